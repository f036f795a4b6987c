"""Policy rows of identity: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import EVERYBODY, OFFICE, POLICE, RESIDENT, SIGNED_IN, STAFF, Reach, Rule
from domain.kernel.actor import Role

GRANTORS = frozenset({Role.COUNTY_OPERATOR.value, Role.TOWN_OPERATOR.value, Role.PROPERTY_MANAGER.value})

ROOTS = {
    "Query.viewer": Rule(SIGNED_IN, Reach.SELF),
    "Query.node": Rule(SIGNED_IN),
    "Query.households": Rule(OFFICE | POLICE | {RESIDENT}),
    "Query.roleGrants": Rule(STAFF),
    "Mutation.requestSignInCode": Rule(EVERYBODY, Reach.ANY),
    "Mutation.signIn": Rule(EVERYBODY, Reach.ANY),
    "Mutation.refreshSession": Rule(EVERYBODY, Reach.ANY),
    "Mutation.signOut": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.grantRole": Rule(GRANTORS),
    "Mutation.revokeRole": Rule(GRANTORS),
    "Mutation.inviteMember": Rule(OFFICE | {RESIDENT}),
    "Mutation.verifyHousehold": Rule(OFFICE),
    "Mutation.endHousehold": Rule(OFFICE | {RESIDENT}),
}
NODES = {
    "Account": Rule(SIGNED_IN),
    "Household": Rule(OFFICE | POLICE | {RESIDENT}),
    "RoleGrant": Rule(SIGNED_IN),
}
LEAVES = {
    "Account.phone": Rule(SIGNED_IN, Reach.SELF, others=OFFICE | POLICE),
    "Household.livesAlone": Rule(OFFICE | POLICE | {RESIDENT}, Reach.SELF, others=OFFICE | POLICE),
    "Household.disabledPerson": Rule(OFFICE | POLICE | {RESIDENT}, Reach.SELF, others=OFFICE | POLICE),
}
