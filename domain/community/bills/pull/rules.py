"""What becomes of a supplier's bill that is here already, when the supplier is asked again. Pure.

What is open follows the supplier. What is being paid, or is paid, does not move, and what the office has decided
stands: a person looks at what the supplier says instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.community.bills.kinds import BillState

EACH_BY_ITSELF: Final = "2"
"""The charge_mode in which an account's open bills are listed one by one. In the others (4, 5) what is listed is what
is owed in all, so that a bill which is not there may be owed still."""
SURE: Final = timedelta(hours=20)
"""So long must a bill be missing, in answers of two days at least, until it is believed."""
LIVE: Final = (BillState.ISSUED, BillState.SETTLED)


class Standing(StrEnum):
    """Where a supplier's bill stands here, with all that corrected it. HELD: an order pays it. PAID: some of it, at
    least. DROPPED: the office asks for it no longer. WITHDRAWN: its supplier does not."""

    OPEN = "open"
    HELD = "held"
    PAID = "paid"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


class Verdict(StrEnum):
    """KEEP: nothing is new. NOTE: remember what was said. FINES: its late fee is another. REPLACE: put a corrected bill
    in its place. TELL: a person must look at it. WAIT: ask again once nobody pays it. MISSING: not listed, for the
    first time. WITHDRAW: not asked for any more. RETURN: withdrawn, and listed again."""

    KEEP = "keep"
    NOTE = "note"
    FINES = "fines"
    REPLACE = "replace"
    TELL = "tell"
    WAIT = "wait"
    MISSING = "missing"
    WITHDRAW = "withdraw"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Link:
    """A supplier's bill or one that corrects it. charge: the state of its charge; None = it has none."""

    state: str
    amount_fen: int
    fines_fen: int
    prepaid_fen: int
    period_from: date
    charge: str | None


@dataclass(frozen=True, slots=True)
class Stands:
    """A supplier's bill as it is here. fen: what stands of it, with all corrections; said_fen: what its supplier named
    last; prepaid: some of it was paid ahead; missing_since: when it was first not listed."""

    standing: Standing
    fen: int
    said_fen: int
    fines_fen: int
    period_from: date
    prepaid: bool
    missing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A bill in a supplier's list."""

    amount_fen: int
    fines_fen: int
    period_from: date


def stands(links: Sequence[Link], *, said_fen: int | None, missing_since: datetime | None) -> Stands:
    """What a supplier's bill and its corrections, in their order, come to. said_fen: None = as it was issued."""
    live = [link for link in links if link.state in LIVE]
    now = live[0] if live else links[-1]
    if not live:
        standing = Standing.WITHDRAWN if now.state == BillState.WITHDRAWN else Standing.DROPPED
    elif len(live) > 1 or now.charge is None:
        standing = Standing.PAID
    else:
        standing = Standing(now.charge)
    said = links[0].amount_fen if said_fen is None else said_fen
    fen = sum(link.amount_fen for link in live)
    return Stands(standing, fen, said, now.fines_fen, now.period_from, now.prepaid_fen > 0, missing_since)


def judge(here: Stands, heard: Heard | None, *, complete: bool, now: datetime) -> Verdict:
    """What to do about a bill that is here. heard: as it is listed, None = it is not; complete: whether the list has
    every open bill of the account."""
    if heard is None:
        return _missing(here, complete=complete, now=now)
    verdict = _listed(here, heard)
    found_again = verdict is Verdict.KEEP and here.missing_since is not None
    return Verdict.NOTE if found_again else verdict


def _missing(here: Stands, *, complete: bool, now: datetime) -> Verdict:
    if not complete or here.standing is not Standing.OPEN or here.fen != here.said_fen:
        return Verdict.KEEP
    if here.missing_since is None:
        return Verdict.MISSING
    return Verdict.WITHDRAW if now - here.missing_since >= SURE else Verdict.KEEP


def _listed(here: Stands, heard: Heard) -> Verdict:
    if here.standing is Standing.WITHDRAWN:
        return Verdict.RETURN
    if heard.amount_fen != here.said_fen:
        return _another_amount(here, heard)
    if here.standing is not Standing.OPEN or here.fen != here.said_fen:
        return Verdict.KEEP
    if heard.period_from != here.period_from:
        return Verdict.REPLACE
    if heard.fines_fen == here.fines_fen:
        return Verdict.KEEP
    return Verdict.REPLACE if here.prepaid else Verdict.FINES


def _another_amount(here: Stands, heard: Heard) -> Verdict:
    if here.standing is Standing.HELD:
        return Verdict.WAIT
    if here.standing is Standing.DROPPED or heard.amount_fen == here.fen:
        return Verdict.NOTE
    return Verdict.REPLACE if here.standing is Standing.OPEN and here.fen == here.said_fen else Verdict.TELL
