"""Policy rows of the estate: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import SIGNED_IN, Rule, Tie

ROOTS = {
    "Query.areas": Rule(SIGNED_IN),
}
NODES = {
    "Area": Rule(SIGNED_IN, resident=Tie.COMPOUND),
    "Building": Rule(SIGNED_IN, resident=Tie.COMPOUND),
    "Home": Rule(SIGNED_IN),
}
LEAVES: dict[str, Rule] = {}
