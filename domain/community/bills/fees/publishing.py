"""The bills of a period: worked out for every home of a compound, shown, then issued at once. Twice is once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from domain.community.bills.due import DueTerms
from domain.community.bills.fees.models import FeeArea, FeeRule
from domain.community.bills.fees.rules import UNIT, Basis, Tier, lines_of, total
from domain.community.bills.issuing import NewBill, issue
from domain.community.bills.kinds import BillKind, BillSource
from domain.community.bills.meters.models import Meter, MeterReading
from domain.community.bills.meters.rules import Reading, ReadingState, use_in
from domain.community.bills.models import Bill
from domain.community.bills.periods import Period
from domain.community.bills.policies import may_decide_dues
from domain.community.bills.service import local_day
from domain.community.bills.sight import compound_for
from domain.estate.models import Home
from domain.kernel.bulk import among
from domain.kernel.uow import UnitOfWork


@dataclass(slots=True)
class Metered:
    """A meter with its accepted readings by day. since: the local day on which it was put in; ended: taken out."""

    since: date
    ended: bool
    readings: list[Reading] = field(default_factory=list)

    def unread(self, period: Period) -> bool:
        """Whether it should have been read in ``period`` and was not."""
        read = any(period.start <= reading.on <= period.end for reading in self.readings)
        return not (read or self.ended or self.since > period.end)


Meters = Mapping[int, Mapping[str, Sequence[Metered]]]
"""By home and kind."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a home gets no bill of a rule: "NO_AREA", "NO_METER" or "NO_READING"."""

    home_id: int
    rule_id: int
    code: str


@dataclass(slots=True)
class Planned:
    """What a period comes to. bills: those that are not there yet; known: how many are; missing: what cannot be."""

    bills: list[NewBill] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    known: int = 0

    @property
    def amount_fen(self) -> int:
        """The sum of the bills to be."""
        return sum(bill.amount_fen for bill in self.bills)


def source_key(rule_id: int, home_id: int, period: Period) -> str:
    """The natural key of a bill that a rule makes."""
    return f"fee|{rule_id}|{period.name}|{home_id}"


def quantity_of(rule: FeeRule, home_id: int, period: Period, areas: Mapping[int, int], metered: Meters) -> int | str:
    """What a home is charged for; or why that cannot be said.

    Its meters count together: tiers are the home's, and a meter that was replaced begins none anew. Nothing is billed
    while one of them was not read, as what it counted would stand in another period's tiers.
    """
    if rule.basis == Basis.HOME:
        return UNIT
    if rule.basis == Basis.AREA:
        return areas.get(home_id, "NO_AREA")
    meters = metered.get(home_id, {}).get(rule.kind, ())
    if not meters:
        return "NO_METER"
    used = [use for meter in meters if (use := use_in(meter.readings, period.start, period.end)) is not None]
    if not used or any(meter.unread(period) for meter in meters):
        return "NO_READING"
    return sum(use.quantity for use in used)


def bill_of(rule: FeeRule, home_id: int, period: Period, quantity: int, today: date) -> NewBill | None:
    """The bill of a home; None when it comes to nothing."""
    tiers = [Tier(tier["up_to"], tier["rate"]) for tier in rule.tiers]
    lines = lines_of(rule.title, Basis(rule.basis), quantity, unit=rule.unit, tiers=tiers, months=rule.period_months)
    amount = total(lines)
    if amount == 0:
        return None
    until = today + timedelta(days=rule.discount_days) if rule.discount else None
    terms = DueTerms(
        today + timedelta(days=rule.due_days), rule.late_daily, rule.late_cap, rule.grace_days, rule.discount, until
    )
    key = source_key(rule.id, home_id, period)
    stored = [line.stored() for line in lines]
    return NewBill(home_id, BillKind(rule.kind), key, rule.title, period.start, period.end, amount, terms, stored)


def plan(
    rules: Sequence[FeeRule],
    homes: Sequence[int],
    month: Period,
    areas: Mapping[int, int],
    metered: Meters,
    today: date,
) -> Iterator[NewBill | Missing]:
    """What the period that begins in ``month`` makes of every rule and home."""
    for rule in rules:
        period = month.lasting(rule.period_months)
        if not period.begins_cycle() or rule.starts_on > period.start:
            continue
        for home_id in homes:
            quantity = quantity_of(rule, home_id, period, areas, metered)
            if isinstance(quantity, str):
                yield Missing(home_id, rule.id, quantity)
            elif (bill := bill_of(rule, home_id, period, quantity, today)) is not None:
                yield bill


async def plan_period(uow: UnitOfWork, *, compound_id: int, month: Period) -> Planned:
    """Work out a compound's bills of a period, and issue none. Raises NotFound, Forbidden."""
    place = await compound_for(uow, compound_id, may_decide_dues)
    today = local_day(uow.now, place.timezone)
    session = uow.session
    rules = (
        await session.scalars(
            select(FeeRule).where(FeeRule.compound_id == compound_id, FeeRule.ended_at.is_(None)).order_by(FeeRule.id)
        )
    ).all()
    homes = (await session.scalars(select(Home.id).where(Home.compound_id == compound_id).order_by(Home.id))).all()
    measured = await session.execute(
        select(FeeArea.home_id, FeeArea.square_milli).where(FeeArea.compound_id == compound_id)
    )
    by_meter = any(rule.basis == Basis.METER for rule in rules)
    metered = await _meters(uow, compound_id, place.timezone) if by_meter else {}
    found = list(plan(rules, homes, month, {row[0]: row[1] for row in measured}, metered, today))
    bills = [each for each in found if isinstance(each, NewBill)]
    known = set(
        await session.scalars(
            select(Bill.source_key).where(
                Bill.compound_id == compound_id,
                Bill.source == str(BillSource.OFFICE),
                among(Bill.source_key, [bill.source_key for bill in bills]),
            )
        )
    )
    return Planned(
        [bill for bill in bills if bill.source_key not in known],
        [each for each in found if isinstance(each, Missing)],
        len(known),
    )


async def publish_period(uow: UnitOfWork, *, compound_id: int, month: Period) -> Planned:
    """Issue a compound's bills of a period; those that were issued before are left as they are.

    Raises NotFound, Forbidden, InvalidCharge.
    """
    planned = await plan_period(uow, compound_id=compound_id, month=month)
    place = await compound_for(uow, compound_id, may_decide_dues)
    made = await issue(
        uow,
        compound_id=compound_id,
        source=BillSource.OFFICE,
        bills=planned.bills,
        today=local_day(uow.now, place.timezone),
        use_prepaid=True,
    )
    issued = [bill for bill in planned.bills if bill.source_key in made]
    done = Planned(issued, planned.missing, planned.known + len(planned.bills) - len(issued))
    said: dict[str, Any] = {"period": month.name, "bills": len(issued), "fen": done.amount_fen}
    uow.record("bills.published", "Area", compound_id, where=place, details=said)
    return done


async def _meters(uow: UnitOfWork, compound_id: int, timezone: str) -> Meters:
    rows = await uow.session.execute(
        select(Meter.home_id, Meter.kind, Meter.id, Meter.created_at, Meter.ended_at)
        .add_columns(MeterReading.read_on, MeterReading.value)
        .outerjoin(
            MeterReading,
            (MeterReading.meter_id == Meter.id) & (MeterReading.state == str(ReadingState.ACCEPTED)),
        )
        .where(Meter.compound_id == compound_id)
        .order_by(Meter.id, MeterReading.read_on)
    )
    meters: dict[int, dict[str, dict[int, Metered]]] = defaultdict(lambda: defaultdict(dict))
    for home_id, kind, meter_id, created_at, ended_at, on, value in rows:
        put_in = Metered(local_day(created_at, timezone), ended_at is not None)
        meter = meters[home_id][kind].setdefault(meter_id, put_in)
        if on is not None:
            meter.readings.append(Reading(on, value))
    return {home: {kind: list(by.values()) for kind, by in kinds.items()} for home, kinds in meters.items()}
