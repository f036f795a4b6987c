"""Pictures people send over HTTP, and pictures of things as GraphQL shows them."""
