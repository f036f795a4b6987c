"""Policy rows of auto-pay: residents that the office vouches for in the home, and nobody else."""

from __future__ import annotations

from api.policy import RESIDENT, Rule, Tie

_HOME = Rule(frozenset({RESIDENT}), resident=Tie.VERIFIED)

ROOTS = {
    "Query.autopays": _HOME,
    "Query.autopayPlans": _HOME,
    "Mutation.signAutopay": _HOME,
    "Mutation.changeAutopay": _HOME,
    "Mutation.pauseAutopay": _HOME,
    "Mutation.resumeAutopay": _HOME,
    "Mutation.endAutopay": _HOME,
    "Mutation.skipAutopay": _HOME,
}
NODES = {"Autopay": _HOME, "AutopayPlan": _HOME}
LEAVES: dict[str, Rule] = {}
