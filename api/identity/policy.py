"""Policy rows of identity: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import EVERYBODY, NOBODY, OFFICE, OPERATORS, POLICE, RESIDENT, SIGNED_IN, STAFF, Reach, Rule, Tie
from domain.kernel.actor import Role

GRANTORS = frozenset({Role.COUNTY_OPERATOR.value, Role.TOWN_OPERATOR.value, Role.PROPERTY_MANAGER.value})
MANAGERS = frozenset({Role.PROPERTY_MANAGER.value})

WAYS = ("Household", "RoleGrant")
KEPT = Rule(GRANTORS, over=NOBODY, through=WAYS, keepers=GRANTORS)
"""Somebody else's ways in are looked after by a keeper of a place through which they are seen."""

ROOTS = {
    "Query.viewer": Rule(SIGNED_IN, Reach.SELF),
    "Query.node": Rule(SIGNED_IN),
    "Query.households": Rule(OFFICE | POLICE | {RESIDENT}),
    "Query.roleGrants": Rule(STAFF),
    "Query.auditLog": Rule(MANAGERS | OPERATORS, told=MANAGERS),
    "Mutation.requestSignInCode": Rule(EVERYBODY, Reach.ANY),
    "Mutation.signIn": Rule(EVERYBODY, Reach.ANY),
    "Mutation.refreshSession": Rule(EVERYBODY, Reach.ANY),
    "Mutation.signOut": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.endSessions": KEPT,
    "Mutation.enrolAuthenticator": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.confirmAuthenticator": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.renewRecoveryCodes": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.removeAuthenticator": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.issueEnrolmentCode": KEPT,
    "Mutation.resetAuthenticator": KEPT,
    "Mutation.requestNumberChange": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.changeNumber": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.moveNumber": KEPT,
    "Mutation.confirmNumber": Rule(EVERYBODY, Reach.ANY),
    "Mutation.refuseNumberMove": Rule(SIGNED_IN, Reach.SELF),
    "Mutation.grantRole": Rule(GRANTORS),
    "Mutation.revokeRole": Rule(GRANTORS),
    "Mutation.inviteMember": Rule(OFFICE | {RESIDENT}, resident=Tie.VERIFIED),
    "Mutation.verifyHousehold": Rule(OFFICE),
    "Mutation.endHousehold": Rule(OFFICE | {RESIDENT}, resident=Tie.VERIFIED, own=True),
}
NODES = {
    "Account": Rule(SIGNED_IN, over=NOBODY, resident=Tie.NONE, own=True, through=WAYS),
    "Household": Rule(OFFICE | POLICE | {RESIDENT}, own=True),
    "RoleGrant": Rule(SIGNED_IN, resident=Tie.NONE, own=True),
}
LEAVES = {
    "Account.phone": Rule(SIGNED_IN, Reach.SELF, others=OFFICE | POLICE),
    "Household.livesAlone": Rule(OFFICE | POLICE | {RESIDENT}, Reach.SELF, others=OFFICE | POLICE),
    "Household.disabledPerson": Rule(OFFICE | POLICE | {RESIDENT}, Reach.SELF, others=OFFICE | POLICE),
}
