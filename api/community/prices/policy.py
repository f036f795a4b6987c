"""Policy rows of prices. What is fetched is known to everybody signed in, a compound's own market to its people."""

from __future__ import annotations

from api.policy import NOBODY, OFFICE, RESIDENT, SIGNED_IN, STAFF, WORKERS, Reach, Rule, Tie

_KNOWN = Rule(SIGNED_IN, over=STAFF | WORKERS, resident=Tie.COMPOUND)
_OWN = Rule(frozenset({RESIDENT}), Reach.SELF, over=NOBODY, resident=Tie.NONE, own=True)

ROOTS = {
    "Query.markets": _KNOWN,
    "Query.todayPrices": _KNOWN,
    "Query.priceHistory": _KNOWN,
    "Query.priceAlerts": _OWN,
    "Mutation.recordPrice": Rule(OFFICE),
    "Mutation.importPrices": Rule(OFFICE),
    "Mutation.withdrawPrice": Rule(OFFICE),
    "Mutation.createPriceAlert": Rule(frozenset({RESIDENT}), resident=Tie.COMPOUND),
    "Mutation.deletePriceAlert": _OWN,
}
NODES = {"Market": _KNOWN, "Price": _KNOWN, "PriceAlert": _OWN}
LEAVES: dict[str, Rule] = {}
