"""The query engine: documents, limits, and the three transports of ``/graphql`` (HTTP, WebSocket, event stream)."""
