"""Every rule of the product; knows SQLAlchemy, nothing of HTTP, GraphQL, Valkey, environment or cameras."""
