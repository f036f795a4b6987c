"""Policy rows of applications."""

from __future__ import annotations

from api.policy import OFFICE, OPERATORS, RESIDENT, Reach, Rule

SEES = OFFICE | {RESIDENT}
"""Who sees applications: the property office where it serves, residents those of their own homes."""

ROOTS = {
    "Query.applications": Rule(SEES),
    "Query.applicationStatistics": Rule(OFFICE | OPERATORS, Reach.SCOPE),
    "Subscription.myRequests": Rule(SEES),
}
NODES = {"Application": Rule(SEES)}
LEAVES: dict[str, Rule] = {}
