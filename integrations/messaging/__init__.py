"""Messages to people's phones: adapters of the push port."""
