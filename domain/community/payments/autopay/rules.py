"""What may become of auto-pay: its states and limits. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.community.payments.charges import MOST_FEN
from domain.community.payments.rules import InState

SIGN_WITHIN: Final = timedelta(minutes=30)
"""How long the page that an agreement is signed on is waited for."""
LATE_SIGN: Final = timedelta(hours=1)
"""When an agreement that was not signed in time is ended at the vendor, should somebody have signed it after all."""


class AutopayState(StrEnum):
    """PENDING: asked for, and not signed at the vendor yet."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class EndedBecause(StrEnum):
    """RESIDENT: somebody of the home said so. VENDOR: it was ended at the vendor. LEFT: whoever signed it is no longer
    a verified resident of the home. NEVER_SIGNED: not in time."""

    RESIDENT = "resident"
    VENDOR = "vendor"
    LEFT = "left"
    NEVER_SIGNED = "never_signed"


LIVE: Final = (AutopayState.PENDING, AutopayState.ACTIVE, AutopayState.PAUSED)
SIGNED: Final = (AutopayState.ACTIVE, AutopayState.PAUSED)


def _of(names: str) -> frozenset[str]:
    return frozenset(names.split())


_AUTOPAY: Final = "home_id account_id vendor number asked_at"
AUTOPAY: Final[Mapping[str, InState]] = {
    "pending": InState(_of("check_at"), _of("signed_at closed_at closed_because"), _of(_AUTOPAY), _of("active ended")),
    "active": InState(
        _of("signed_at"), _of("closed_at closed_because"), _of(f"{_AUTOPAY} signed_at"), _of("paused ended")
    ),
    "paused": InState(
        _of("signed_at"), _of("closed_at closed_because"), _of(f"{_AUTOPAY} signed_at"), _of("active ended")
    ),
    "ended": InState(_of("closed_at closed_because"), frozen=_of(f"{_AUTOPAY} signed_at closed_at closed_because")),
}
_PLAN: Final = "home_id autopay_id charge_id"
PLAN: Final[Mapping[str, InState]] = {
    "planned": InState(frozen=_of(_PLAN), then=_of("trying settled skipped failed")),
    "trying": InState(
        _of("order_id"), frozen=_of(f"{_PLAN} amount_fen"), then=_of("planned paid settled skipped failed")
    ),
    "paid": InState(_of("order_id"), frozen=_of(f"{_PLAN} amount_fen order_id")),
    "settled": InState(frozen=_of(f"{_PLAN} amount_fen")),
    "skipped": InState(frozen=_of(f"{_PLAN} amount_fen")),
    "failed": InState(_of("why"), frozen=_of(f"{_PLAN} amount_fen")),
}
MACHINES: Final[Mapping[str, Mapping[str, InState]]] = {"autopay": AUTOPAY, "autopay_plan": PLAN}
"""The machine of each table; triggers and checks of the database hold it too."""


def agreement_number(compound_id: int) -> str:
    """A new number of an agreement: unique, at most 32 letters, digits and underscores, and tells its compound."""
    return f"za{compound_id}_{secrets.token_hex(9)}"


def within(limit_fen: int, monthly_limit_fen: int) -> bool:
    """Whether these are limits: fen for one payment, and for a calendar month no less than that."""
    return 0 < limit_fen <= monthly_limit_fen <= MOST_FEN
