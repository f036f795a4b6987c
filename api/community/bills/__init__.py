"""Bills in the API: what homes owe and what it comes of."""
