"""Base of every slice: tables, units of work, outbox, errors, actors, paging. Imports no other slice."""
