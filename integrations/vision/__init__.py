"""Pixels: everything that decodes pictures, in processes of its own."""
