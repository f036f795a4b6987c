"""Repairs of appliances and furniture: asked for, taken by a worker, quoted, done, paid, and followed up."""
