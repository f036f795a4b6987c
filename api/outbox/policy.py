"""Policy rows of the outbox: dead letters are the county operators'."""

from __future__ import annotations

from api.policy import Rule
from domain.kernel.actor import Role

COUNTY = frozenset({Role.COUNTY_OPERATOR.value})

ROOTS = {
    "Query.deadLetters": Rule(COUNTY),
    "Mutation.retryDeadLetters": Rule(COUNTY),
}
NODES = {
    "DeadLetter": Rule(COUNTY),
}
LEAVES: dict[str, Rule] = {}
