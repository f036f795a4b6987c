"""Policy rows of housekeeping: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import NOBODY, OFFICE, RESIDENT, STAFF, WORKERS, Rule, Tie
from domain.kernel.actor import Role

AROUND = STAFF | WORKERS | {RESIDENT}
"""Everybody with a home or a role: what is offered in a compound is known there."""
EMPLOYER = frozenset({Role.PROPERTY_MANAGER.value})
OFFERED = Rule(AROUND, over=STAFF | WORKERS, resident=Tie.COMPOUND)
ABSENT = Rule(OFFICE | WORKERS, over=OFFICE, own=True)
BOOKERS = OFFICE | {RESIDENT}
SERVED = Rule(BOOKERS | WORKERS, over=OFFICE, resident=Tie.VERIFIED, own=True)
"""Bookings are seen by the office, the home's verified residents and whoever is to come."""
BOOKED = Rule(BOOKERS, resident=Tie.VERIFIED)
VISITING = Rule(WORKERS, over=NOBODY, own=True)
VISITED = Rule(OFFICE | WORKERS, over=OFFICE, own=True)
"""The office ends a visit for a worker who forgot to, or left."""

ROOTS = {
    "Query.housekeepingBookings": SERVED,
    "Mutation.bookHousekeeping": BOOKED,
    "Mutation.cancelHousekeeping": BOOKED,
    "Mutation.endHousekeepingSeries": BOOKED,
    "Mutation.reassignHousekeeping": Rule(OFFICE),
    "Mutation.checkInHousekeeping": VISITING,
    "Mutation.checkOutHousekeeping": VISITED,
    "Mutation.rateHousekeeping": Rule(frozenset({RESIDENT}), resident=Tie.VERIFIED),
    "Mutation.retireHousekeepingWorker": Rule(OFFICE),
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
    "HousekeepingBooking": SERVED,
    "HousekeepingSeries": BOOKED,
    "HousekeepingProvider": OFFERED,
    "HousekeepingService": OFFERED,
    "HousekeepingWorker": OFFERED,
    "HousekeepingAbsence": ABSENT,
}
LEAVES: dict[str, Rule] = {}
