"""Payment gateways: how their messages are signed, sealed and read."""
