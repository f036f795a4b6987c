"""Who may see what: the rows of the policy table, read with nothing but the names of people and places.

No function of the product takes part: what this says and what the API answers were written twice.
"""

from __future__ import annotations

from api.permissions import LEAVES, NODES, ROOTS
from api.policy import OFFICE, POLICE, RESIDENT, STAFF, Reach, Rule, Tie
from domain.kernel.actor import HomeRole, Trust
from tests.api.matrix.cast import BY_NAME, Who
from tests.api.matrix.documents import listed_type
from tests.api.matrix.rows import Mark, Row

LISTED = {
    kind: rule
    for root, rule in ROOTS.items()
    if root.startswith("Query.") and (kind := listed_type(root)) is not None and kind not in NODES
}
"""Types that are no nodes and are read in a list alone, under the rule of that root field."""
RULES = NODES | LISTED
AUDIENCE = {"staff": OFFICE, "police": POLICE, "home": frozenset({RESIDENT})}
SENSITIVE = {
    "event.attributes": "Event.attributes",
    "sighting.subject": "Sighting.subject",
    "account.phone": "Account.phone",
}
"""Columns that are shown under a leaf's rule."""
OVER = {
    "alert": True, "alert_change": False, "application": False, "application_change": False, "attachment": False,
    "autopay": True, "autopay_plan": False, "bill": True, "bill_account": True, "charge": True, "device": True,
    "ebike": True, "ebike_tag": True, "event": False, "household": True, "housekeeping_booking": False,
    "housekeeping_series": False, "invoice_request": False, "meter": True, "meter_reading": False,
    "payment_attempt": False, "payment_order": False, "receipt": False, "refund": False, "repair_item": False,
    "repair_quotation": False, "repair_request": False, "sighting": False,
}  # fmt: skip
"""Tables that tell of a time: who came to the home lately sees those that last (True) unless they are over, and nothing
of what just happened (False)."""
OF_THE_HOME = {"bill", "bill_account", "charge", "meter", "meter_reading"}
"""Tables of what the home itself is billed for: owners see it from the beginning."""
NEVER = {
    "outbox_event.payload", "alert.source", "audit_entry.actor", "audit_entry.object_id", "audit_entry.request_id",
    "audit_entry.previous", "audit_entry.hash",
}  # fmt: skip
"""Columns of rows that are shown which are themselves not."""


def told(rule: Rule, roles: frozenset[str], row: Row) -> frozenset[str]:
    """``roles`` without those that the row's audience leaves out."""
    named = frozenset[str]().union(*(AUDIENCE[word] for word in row.audience))
    return frozenset(role for role in roles if role not in rule.told or role in named)


def tied(tie: Tie, who: Who, row: Row) -> bool:
    """Whether ``who`` belongs to the row's place as a resident must."""
    tenancy = who.tenancy(row.home)
    if tie is Tie.COMPOUND:
        return row.home is None and any(each.compound == row.place for each in who.homes)
    if tie is Tie.VERIFIED:
        return tenancy is not None and tenancy.trust is Trust.OFFICE
    return tie is Tie.HOME and tenancy is not None


def in_time(who: Who, row: Row) -> bool:
    """Whether what the row tells of its home was not over when ``who`` came to live there."""
    tenancy = who.tenancy(row.home)
    if tenancy is None or not tenancy.lately or row.table not in OVER:
        return True
    owner = tenancy.role is HomeRole.OWNER and tenancy.trust is Trust.OFFICE
    if owner and row.table in OF_THE_HOME and row.facts.get("subject", "bill") == "bill":
        return True
    ended = any(row.facts.get(name) is not None for name in ("cleared_at", "closed_at", "paid_at"))
    return OVER[row.table] and not row.gone and not ended


def tie_of(rule: Rule) -> Tie:
    """How residents reach rows under ``rule``."""
    return rule.resident if rule.resident is not None else Tie.HOME if RESIDENT in rule.roles else Tie.NONE


def reaches(who: Who, rule: Rule, row: Row) -> bool:
    """Whether ``who`` reaches ``row`` under ``rule``."""
    if not who.roles & rule.roles:
        return False
    if rule.own and row.owner == who.name:
        return True
    over = rule.roles & STAFF if rule.over is None else rule.over
    if told(rule, who.over(row.place) & over, row):
        return True
    if tied(tie_of(rule), who, row) and in_time(who, row) and told(rule, frozenset({RESIDENT}), row):
        return True
    return bool(ways(who, rule, row))


def ways(who: Who, rule: Rule, row: Row) -> list[str]:
    """The places through which ``who`` reaches somebody's account: where they live and where they serve."""
    if row.owner is None or not rule.through:
        return []
    whose = BY_NAME[row.owner]
    leading = {
        "Household": [Row("household", "Household", each.home) for each in whose.homes],
        "RoleGrant": [Row("role_grant", "RoleGrant", area) for _, area in whose.grants],
    }
    found = [way.place for node in rule.through for way in leading[node] if reaches(who, NODES[node], way)]
    return found if rule.keepers is None else [place for place in found if who.over(place) & rule.keepers]


def leaf_opens(who: Who, leaf: str, row: Row) -> bool:
    """Whether ``who``, who reaches ``row``, sees its sensitive ``leaf``."""
    rule = LEAVES[leaf]
    if not who.roles & rule.roles:
        return False
    mine = row.owner == who.name if row.owner is not None else who.tenancy(row.home) is not None and in_time(who, row)
    if rule.reach is Reach.SELF and mine:
        return True
    node = leaf.partition(".")[0]
    places = ways(who, NODES[node], row) if NODES[node].through else [row.place]
    return any(who.over(place) & rule.others for place in places)


def may_read(who: Who, mark: Mark) -> bool:
    """Whether ``who`` may be shown what stands in this column of this row."""
    row, name = mark.row, f"{mark.row.table}.{mark.column}"
    if row.shown_as is None or name in NEVER:
        return False
    if row.shown_as == "Session":
        return row.owner == who.name
    node, _, leaf = row.shown_as.partition(".")
    if leaf:
        return reaches(who, RULES[node], row) and leaf_opens(who, row.shown_as, row)
    sensitive = SENSITIVE.get(name)
    return reaches(who, RULES[node], row) and (sensitive is None or leaf_opens(who, sensitive, row))
