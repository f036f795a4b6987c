"""Policy rows of the community's slices, as the policy table merges them."""

from __future__ import annotations

from api.policy import Rule

ROOTS: dict[str, Rule] = {}
NODES: dict[str, Rule] = {}
LEAVES: dict[str, Rule] = {}
