"""Policy rows of the community's slices, as the policy table merges them."""

from __future__ import annotations

from api.community.applications import policy as applications
from api.community.bills import policy as bills
from api.community.housekeeping import policy as housekeeping
from api.community.payments import policy as payments
from api.community.payments.autopay import policy as autopay
from api.community.prices import policy as prices
from api.community.repairs import policy as repairs
from api.community.uploads import policy as uploads
from api.policy import Rule

SLICES = (
    bills,
    applications,
    autopay,
    housekeeping,
    payments,
    prices,
    repairs,
    uploads,
)

ROOTS: dict[str, Rule] = {path: rule for each in SLICES for path, rule in each.ROOTS.items()}
NODES: dict[str, Rule] = {path: rule for each in SLICES for path, rule in each.NODES.items()}
LEAVES: dict[str, Rule] = {path: rule for each in SLICES for path, rule in each.LEAVES.items()}
