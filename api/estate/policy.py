"""Policy rows of the estate: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import SIGNED_IN, STAFF, WORKERS, Rule, Tie

ROOTS = {
    "Query.areas": Rule(SIGNED_IN),
}
NODES = {
    "Area": Rule(SIGNED_IN, over=STAFF | WORKERS, resident=Tie.COMPOUND),
    "Building": Rule(SIGNED_IN, over=STAFF | WORKERS, resident=Tie.COMPOUND),
    "Home": Rule(SIGNED_IN),
}
LEAVES: dict[str, Rule] = {}
