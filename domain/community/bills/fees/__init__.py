"""Fee rules of a compound, and the bills a period makes of them."""
