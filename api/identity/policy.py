"""Policy rows of identity: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import SIGNED_IN, Reach, Rule

ROOTS = {
    "Query.viewer": Rule(SIGNED_IN, Reach.SELF),
    "Query.node": Rule(SIGNED_IN),
}
NODES: dict[str, Rule] = {}
LEAVES: dict[str, Rule] = {}
