"""What devices put on the wire, by vendor: pure functions from what happened to bytes."""
