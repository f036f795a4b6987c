"""Bills of homes: water, electricity, gas and property fees, from the rules and meters they come of to what is due."""
