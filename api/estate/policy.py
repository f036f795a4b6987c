"""Policy rows of the estate: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import SIGNED_IN, Rule

ROOTS = {
    "Query.areas": Rule(SIGNED_IN),
}
NODES = {
    "Area": Rule(SIGNED_IN),
    "Building": Rule(SIGNED_IN),
    "Home": Rule(SIGNED_IN),
}
LEAVES: dict[str, Rule] = {}
