"""The four levels as one tree; compounds, buildings and homes."""
