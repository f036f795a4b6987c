"""Policy rows of security: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import OFFICE, OPERATORS, POLICE, RESIDENT, STAFF, Reach, Rule
from domain.kernel.actor import Role

WATCH = STAFF | {RESIDENT}
"""Everybody with a home or a role; the alerts, events and devices they then see are narrowed by place and audience."""
MOVEMENTS = OFFICE | POLICE | {RESIDENT}
"""Who may look up where a tag, plate or person was: residents only what is registered to their own home."""
KEEPERS = frozenset({Role.PROPERTY_MANAGER.value}) | POLICE | OPERATORS
SERVING = OFFICE | POLICE

ROOTS = {
    "Query.devices": Rule(WATCH),
    "Query.events": Rule(WATCH),
    "Query.sightings": Rule(MOVEMENTS),
    "Query.alerts": Rule(WATCH),
    "Query.eBikes": Rule(MOVEMENTS),
    "Mutation.acknowledgeAlert": Rule(WATCH),
    "Mutation.resolveAlert": Rule(WATCH),
    "Mutation.assignAlert": Rule(STAFF),
    "Mutation.registerDevice": Rule(KEEPERS),
    "Mutation.rotateDeviceCredential": Rule(KEEPERS),
    "Mutation.retireDevice": Rule(KEEPERS),
    "Mutation.registerEBike": Rule(OFFICE | {RESIDENT}),
    "Mutation.addEBikeTag": Rule(OFFICE | {RESIDENT}),
    "Mutation.removeEBikeTag": Rule(OFFICE | {RESIDENT}),
    "Mutation.armEBike": Rule(frozenset({RESIDENT})),
    "Mutation.disarmEBike": Rule(frozenset({RESIDENT})),
    "Subscription.alertFeed": Rule(WATCH),
    "Subscription.eventFeed": Rule(WATCH),
}
NODES = {
    "Device": Rule(WATCH),
    "Event": Rule(WATCH),
    "Sighting": Rule(MOVEMENTS),
    "Alert": Rule(WATCH),
    "EBike": Rule(MOVEMENTS),
    "EBikeTag": Rule(MOVEMENTS),
}
LEAVES = {
    "Event.attributes": Rule(WATCH, Reach.SELF, others=SERVING),
    "Event.pictures": Rule(WATCH, Reach.SELF, others=SERVING),
    "Sighting.subject": Rule(MOVEMENTS, Reach.SELF, others=SERVING),
}
