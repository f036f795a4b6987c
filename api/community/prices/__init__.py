"""Markets, their prices, and alerts on them in GraphQL."""
