"""``zhian simulate``: plays the demo's devices through the real network endpoints."""
