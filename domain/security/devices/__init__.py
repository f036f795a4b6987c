"""The device registry: vendors, places, credentials, liveness."""
