"""Water in the demo: some homes of each compound have a meter, read by the office, and the bill of last month; some
others have an account at a supplier of water and one of gas, whose bills the worker asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import insert

from domain.community.bills.accounts import register_account
from domain.community.bills.fees.publishing import publish_period
from domain.community.bills.fees.rules import Basis, Tier
from domain.community.bills.fees.service import NewFeeRule, create_rule
from domain.community.bills.kinds import BillKind
from domain.community.bills.meters.models import Meter, MeterReading
from domain.community.bills.meters.rules import ReadingSource, ReadingState
from domain.community.bills.periods import Period, first_of
from domain.community.bills.service import local_day
from domain.estate.queries import CompoundPlace
from domain.identity.ports import Vault
from domain.kernel.uow import UnitOfWork

METERED: Final = 5
"""So many homes of a compound have a water meter."""
SUPPLIED: Final = 5
"""So many others are the supplier's own customers."""
SUPPLIERS: Final = ((BillKind.WATER, "示例水务"), (BillKind.GAS, "示例燃气"))
_WATER: Final = (Tier(17_000, 290_000), Tier(30_000, 385_000), Tier(None, 670_000))


async def water(uow: UnitOfWork, vault: Vault, place: CompoundPlace, homes: Sequence[int]) -> None:
    """A compound's water rule, meters with readings, what last month made of them, and accounts at suppliers."""
    today = local_day(uow.now, place.timezone)
    last = Period(first_of(today, -1))
    rule = NewFeeRule(
        place.compound_id, BillKind.WATER, "生活用水", Basis.METER, "吨", _WATER, first_of(today, -6), due_days=20
    )
    await create_rule(uow, new=rule)
    for n, home in enumerate(homes[:METERED]):
        await _meter(uow, place, home, last, monthly=9_000 + 4_000 * n)
    await publish_period(uow, compound_id=place.compound_id, month=last)
    for n, home in enumerate(homes[METERED : METERED + SUPPLIED], start=1):
        number = f"3300{place.compound_id:06d}{n:04d}"
        for kind, name in SUPPLIERS:
            await register_account(uow, vault=vault, home_id=home, kind=kind, number=number, institution=name)


async def _meter(uow: UnitOfWork, place: CompoundPlace, home: int, last: Period, *, monthly: int) -> None:
    """A water meter that was read at the end of each of the last four months."""
    where = place.ids() | {"home_id": home}
    made = insert(Meter).values(where | {"kind": "water", "name": "水表", "created_at": uow.now}).returning(Meter.id)
    meter = (await uow.session.execute(made)).scalar_one()
    ends = [first_of(last.start, n) - timedelta(days=1) for n in (-2, -1, 0, 1)]
    rows = [
        where
        | {"meter_id": meter, "read_on": on, "value": 120_000 + monthly * n}
        | {"source": str(ReadingSource.MANUAL), "state": str(ReadingState.ACCEPTED), "created_at": uow.now}
        for n, on in enumerate(ends)
    ]
    await uow.session.execute(insert(MeterReading), rows)
