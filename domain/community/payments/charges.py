"""Charges: what other slices of the community ask of payments. They open, change, void and refund; payments collect.

A charge and its entry in the ledger are written together: opened, the home owes it (receivable) and it is income.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import insert, select, update

from domain.community.payments.booking import Difference, write_differences
from domain.community.payments.errors import ChargeExists, ChargeFrozen, InvalidCharge, NotRefundable
from domain.community.payments.models import (
    Charge,
    LedgerEntry,
    PaymentAttempt,
    PaymentOrder,
    PaymentOrderLine,
    Refund,
)
from domain.community.payments.rules import ChargeState, refund_number
from domain.kernel import bulk
from domain.kernel.acts import AREAS
from domain.kernel.errors import NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_FEN: Final = 2_000_000_000
MOST_TITLE: Final = 200
MOST_REASON: Final = 80
SUPPLIER: Final = "supplier"
"""In the place of a vendor in a difference: who delivers what is charged, not who moves the money."""


class Subject(StrEnum):
    """What a charge was opened for: with the id of that bill, repair or booking there is one live charge of it."""

    BILL = "bill"
    REPAIR = "repair"
    BOOKING = "booking"


class ChargeKind(StrEnum):
    """What a resident knows a charge as. The first four are of bills."""

    PROPERTY = "property"
    WATER = "water"
    ELECTRICITY = "electricity"
    GAS = "gas"
    REPAIR = "repair"
    BOOKING = "booking"

    @property
    def subject(self) -> Subject:
        """What a charge of the kind is opened for."""
        return Subject(self) if self in (ChargeKind.REPAIR, ChargeKind.BOOKING) else Subject.BILL


@dataclass(frozen=True, slots=True)
class NewCharge:
    """A charge to open for what ``kind`` is of, by its id. title: as the resident reads it; due_on: a date in the
    compound's zone."""

    home_id: int
    kind: ChargeKind
    subject_id: int
    amount_fen: int
    title: str
    due_on: date | None = None

    @property
    def subject(self) -> Subject:
        """What it is opened for."""
        return self.kind.subject


_NEW: Final = (
    ("home_id", "int"),
    ("kind", "text"),
    ("subject", "text"),
    ("subject_id", "int8"),
    ("amount_fen", "int8"),
    ("title", "text"),
    ("due_on", "date"),
)
_OPEN: Final = f"""
with new as (select * from unnest({bulk.arrays(_NEW, after=1)}) as n ({bulk.names(_NEW)})),
opened as (
  insert into charge (county_id, town_id, community_id, compound_id, {bulk.names(_NEW)}, opened_at)
  select home.county_id, home.town_id, home.community_id, home.compound_id, new.*, $1
  from new join home on home.id = new.home_id
  on conflict (subject, subject_id) where state <> 'void' do nothing
  returning *),
booked as (
  insert into ledger_entry
    (county_id, town_id, community_id, compound_id, home_id, kind, debit, credit, amount_fen, charge_id, at)
  select county_id, town_id, community_id, compound_id, home_id, 'opened', 'receivable', 'income', amount_fen, id, $1
  from opened)
select id, subject, subject_id from opened
"""  # noqa: S608 - column names of ours only
_KNOWN: Final = "select count(*) from home where id = any($1::int[])"


def _check(new: NewCharge) -> None:
    if not (0 < new.amount_fen <= MOST_FEN and 0 < len(new.title.strip()) <= MOST_TITLE):
        raise InvalidCharge(field="charge")


async def open_charges(uow: UnitOfWork, new: Sequence[NewCharge]) -> list[int]:
    """Open charges in one statement; their ids in the order given.

    Raises InvalidCharge, NotFound (a home out of sight), ChargeExists (one live charge per subject).
    """
    for each in new:
        _check(each)
    if not new:
        return []
    connection = await uow.session.connection()
    values = [
        (c.home_id, str(c.kind), str(c.subject), c.subject_id, c.amount_fen, c.title.strip(), c.due_on) for c in new
    ]
    rows = await bulk.fetch(connection, _OPEN, uow.now, *bulk.transposed(_NEW, values))
    ids = {(row["subject"], row["subject_id"]): int(row["id"]) for row in rows}
    if len(rows) < len(new):
        homes = {each.home_id for each in new}
        known = await bulk.run(connection, _KNOWN, list(homes))
        raise NotFound(field="home") if known < len(homes) else ChargeExists(field="subject")
    return [ids[str(each.subject), each.subject_id] for each in new]


async def open_charge(uow: UnitOfWork, new: NewCharge) -> int:
    """Open one charge; its id. Raises as ``open_charges`` does."""
    (charge_id,) = await open_charges(uow, [new])
    return charge_id


async def _locked(uow: UnitOfWork, charge_id: int) -> Charge:
    """The charge, locked. Raises NotFound."""
    found = await uow.session.execute(
        select(Charge).where(Charge.id == charge_id).with_for_update().execution_options(populate_existing=True)
    )
    charge = found.scalar_one_or_none()
    if charge is None:
        raise NotFound(field="charge")
    return charge


async def _unpaid(uow: UnitOfWork, charge_id: int) -> Charge:
    """The open charge, locked. Raises NotFound, ChargeFrozen."""
    charge = await _locked(uow, charge_id)
    if charge.state != ChargeState.OPEN:
        raise ChargeFrozen(field="charge")
    return charge


async def change_charge(uow: UnitOfWork, *, charge_id: int, amount_fen: int) -> None:
    """Make an open charge another amount. Raises InvalidCharge, NotFound, ChargeFrozen."""
    if not 0 < amount_fen <= MOST_FEN:
        raise InvalidCharge(field="amount")
    charge = await _unpaid(uow, charge_id)
    more = amount_fen - charge.amount_fen
    if more:
        await _write(uow, charge_id, amount_fen=amount_fen)
        await _book(uow, charge, more)


async def void_charge(uow: UnitOfWork, *, charge_id: int) -> None:
    """The home no longer owes it; what it is for may be charged again. Raises NotFound, ChargeFrozen."""
    charge = await _unpaid(uow, charge_id)
    await _write(uow, charge_id, state="void")
    await _book(uow, charge, -charge.amount_fen)


async def refund_charge(uow: UnitOfWork, *, charge_id: int, amount_fen: int, reason: str) -> int:
    """Ask for some or all of a paid charge back; the refund's id. The vendor makes it later, or says that it cannot.

    What was asked for is reserved at once: refunds never exceed the payment. Raises InvalidText, NotFound,
    NotRefundable.
    """
    said = words(reason, field="reason", least=1, most=MOST_REASON)
    found = await uow.session.execute(
        select(PaymentOrder.id, PaymentAttempt.id.label("attempt_id"))
        .join(PaymentOrderLine, PaymentOrderLine.order_id == PaymentOrder.id)
        .join(PaymentAttempt, PaymentAttempt.order_id == PaymentOrder.id)
        .where(PaymentOrderLine.charge_id == charge_id, PaymentOrderLine.live, PaymentAttempt.credited.is_(True))
        .with_for_update(of=(PaymentOrder, PaymentAttempt))
    )
    payment = found.first()
    charge = await _locked(uow, charge_id)
    left = charge.amount_fen - charge.refunding_fen - charge.refunded_fen
    if payment is None or charge.state != ChargeState.PAID or not 0 < amount_fen <= left:
        raise NotRefundable(field="amount")
    await _write(uow, charge_id, refunding_fen=charge.refunding_fen + amount_fen)
    await uow.session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.id == payment.attempt_id)
        .values(refunding_fen=PaymentAttempt.refunding_fen + amount_fen)
        .execution_options(synchronize_session=False)
    )
    row = _place(charge) | {
        "attempt_id": payment.attempt_id,
        "charge_id": charge_id,
        "out_refund_no": refund_number(charge.compound_id),
        "amount_fen": amount_fen,
        "reason": said,
        "asked_at": uow.now,
        "asked_by": uow.actor.account_id,
        "check_at": uow.now,
    }
    refund_id: int = (await uow.session.execute(insert(Refund).values(row).returning(Refund.id))).scalar_one()
    details = {"charge": charge_id, "amount_fen": amount_fen}
    uow.record("refund.asked", "Refund", refund_id, where=charge, homes=(charge.home_id,), details=details)
    return refund_id


async def report_difference(
    uow: UnitOfWork,
    *,
    compound_id: int,
    day: date,
    kind: str,
    number: str,
    reference: str,
    ours_fen: int,
    theirs_fen: int,
) -> None:
    """Have a manager look at what the supplier of something charged says of it: of each thing once a day, as it
    was said last.

    number: the supplier's; reference: ours, of what was charged. day: the compound's own.
    """
    said = Difference(compound_id, SUPPLIER, day, kind, number, "", reference, ours_fen, theirs_fen)
    await write_differences(await uow.session.connection(), [said], uow.now)


def _place(charge: Charge) -> dict[str, int]:
    return {name: getattr(charge, name) for name in (*AREAS, "home_id")}


async def _write(uow: UnitOfWork, charge_id: int, **values: object) -> None:
    changed = update(Charge).where(Charge.id == charge_id).values(**values)
    await uow.session.execute(changed.execution_options(synchronize_session=False))


async def _book(uow: UnitOfWork, charge: Charge, more: int) -> None:
    """The home owes ``more`` fen, or less when negative."""
    accounts = ("opened", "receivable", "income") if more > 0 else ("reduced", "income", "receivable")
    said = dict(zip(("kind", "debit", "credit"), accounts, strict=True))
    entry = _place(charge) | said | {"amount_fen": abs(more), "charge_id": charge.id, "at": uow.now}
    await uow.session.execute(insert(LedgerEntry).values(entry))
