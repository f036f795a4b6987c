"""How long tests wait for what has to happen."""

from __future__ import annotations

from typing import Final

PATIENCE: Final = 120.0
"""Seconds. Far beyond what a slow or busy machine needs: it only ends a test that would hang, and measures nothing."""
