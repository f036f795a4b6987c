"""Device vendors' messages: one folder per vendor, each a pure parser from bytes to the domain's observations."""
