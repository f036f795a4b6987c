"""Files of bills that an office hands in: read, shown with every fault, then taken once."""
