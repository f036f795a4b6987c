"""Policy rows of security: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import OFFICE, OPERATORS, POLICE, RESIDENT, STAFF, Reach, Rule, Tie
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
    "Mutation.resolveAlert": Rule(WATCH, resident=Tie.VERIFIED),
    "Mutation.assignAlert": Rule(STAFF),
    "Mutation.registerDevice": Rule(KEEPERS),
    "Mutation.rotateDeviceCredential": Rule(KEEPERS),
    "Mutation.retireDevice": Rule(KEEPERS),
    "Mutation.registerEBike": Rule(OFFICE | {RESIDENT}, resident=Tie.VERIFIED),
    "Mutation.addEBikeTag": Rule(OFFICE | {RESIDENT}, resident=Tie.VERIFIED),
    "Mutation.removeEBikeTag": Rule(OFFICE | {RESIDENT}, resident=Tie.VERIFIED),
    "Mutation.armEBike": Rule(frozenset({RESIDENT}), resident=Tie.VERIFIED),
    "Mutation.disarmEBike": Rule(frozenset({RESIDENT}), resident=Tie.VERIFIED),
    "Subscription.alertFeed": Rule(WATCH),
    "Subscription.eventFeed": Rule(WATCH),
}
NODES = {
    "Device": Rule(WATCH),
    "Event": Rule(WATCH),
    "Sighting": Rule(MOVEMENTS),
    "Alert": Rule(WATCH, told=OFFICE | {RESIDENT}),
    "EBike": Rule(MOVEMENTS),
    "EBikeTag": Rule(MOVEMENTS),
}
LEAVES = {
    "Device.liveness": Rule(STAFF, others=STAFF),
    "Device.weakWays": Rule(KEEPERS, others=KEEPERS),
    "Event.attributes": Rule(WATCH, Reach.SELF, others=SERVING),
    "Event.pictures": Rule(SERVING, others=SERVING),
    "Sighting.subject": Rule(MOVEMENTS, Reach.SELF, others=SERVING),
}
