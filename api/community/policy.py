"""Policy rows of the community's slices, as the policy table merges them."""

from __future__ import annotations

from api.community.uploads import policy as uploads
from api.policy import Rule

ROOTS: dict[str, Rule] = {**uploads.ROOTS}
NODES: dict[str, Rule] = {**uploads.NODES}
LEAVES: dict[str, Rule] = {**uploads.LEAVES}
