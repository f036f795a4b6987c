"""Prices of vegetables and other food: of the neighbourhood's own market, and of markets that publish theirs."""
