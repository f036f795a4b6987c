"""Policy rows of housekeeping: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import OFFICE, RESIDENT, STAFF, WORKERS, Rule, Tie
from domain.kernel.actor import Role

AROUND = STAFF | WORKERS | {RESIDENT}
"""Everybody with a home or a role: what is offered in a compound is known there."""
EMPLOYER = frozenset({Role.PROPERTY_MANAGER.value})
OFFERED = Rule(AROUND, over=STAFF | WORKERS, resident=Tie.COMPOUND)
ABSENT = Rule(OFFICE | WORKERS, over=OFFICE, own=True)

ROOTS = {
    "Query.housekeepingProviders": OFFERED,
    "Query.housekeepingAbsences": ABSENT,
    "Mutation.addHousekeepingProvider": Rule(OFFICE),
    "Mutation.retireHousekeepingProvider": Rule(OFFICE),
    "Mutation.addHousekeepingService": Rule(OFFICE),
    "Mutation.retireHousekeepingService": Rule(OFFICE),
    "Mutation.addHousekeepingWorker": Rule(EMPLOYER),
    "Mutation.setHousekeepingHours": Rule(OFFICE),
    "Mutation.addHousekeepingAbsence": ABSENT,
    "Mutation.removeHousekeepingAbsence": ABSENT,
}
NODES = {
    "HousekeepingProvider": OFFERED,
    "HousekeepingService": OFFERED,
    "HousekeepingWorker": OFFERED,
    "HousekeepingAbsence": ABSENT,
}
LEAVES: dict[str, Rule] = {}
