"""Processes that kill themselves at the k-th place where they wait, and what they did by then."""
