"""E-bikes, their tags and guard mode."""
