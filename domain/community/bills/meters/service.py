"""Commands on meters and their readings."""

from __future__ import annotations

from datetime import date

from sqlalchemy import insert, select, update

from domain.community.bills.errors import AlreadyEnded
from domain.community.bills.fees.rules import QUANTITY_PLACES, scaled
from domain.community.bills.kinds import BillKind
from domain.community.bills.meters.errors import InvalidMeter, ReadingJudged
from domain.community.bills.meters.models import Meter, MeterReading
from domain.community.bills.meters.rules import Reading, ReadingSource, ReadingState, judge
from domain.community.bills.policies import may_keep_books
from domain.community.bills.service import local_day
from domain.community.bills.sight import areas, compound_for, home_for, locked
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork


async def register_meter(uow: UnitOfWork, *, home_id: int, kind: BillKind, name: str = "") -> int:
    """A home's meter is read from now on; returns its id. Raises NotFound, Forbidden, InvalidMeter, InvalidText."""
    home = await home_for(uow, home_id, may_keep_books)
    if not kind.utility:
        raise InvalidMeter(field="kind")
    row = areas(home) | {
        "home_id": home_id,
        "kind": str(kind),
        "name": words(name, field="name", most=40),
        "created_at": uow.now,
    }
    meter_id = int((await uow.session.execute(insert(Meter).values(row).returning(Meter.id))).scalar_one())
    uow.record("meter.registered", "Meter", meter_id, where=home, homes=(home_id,), details={"kind": str(kind)})
    return meter_id


async def end_meter(uow: UnitOfWork, *, meter_id: int) -> None:
    """The meter was taken out. Raises NotFound, Forbidden, AlreadyEnded."""
    meter = await locked(uow, Meter, meter_id, may_keep_books)
    if meter.ended_at is not None:
        raise AlreadyEnded
    await uow.session.execute(update(Meter).where(Meter.id == meter_id).values(ended_at=uow.now))
    uow.record("meter.ended", "Meter", meter_id, where=meter, homes=(meter.home_id,))


async def take_reading(
    uow: UnitOfWork,
    *,
    meter_id: int,
    value: str,
    read_on: date | None = None,
    source: ReadingSource = ReadingSource.MANUAL,
) -> int:
    """Note what a meter stands at; returns the reading's id. One that jumps waits to be confirmed.

    value: in the meter's units, three places at most. read_on: today in the compound's zone when None.
    Raises NotFound, Forbidden, AlreadyEnded, InvalidNumber, ReadingOutOfOrder, ReadingBelowLast.
    """
    meter = await locked(uow, Meter, meter_id, may_keep_books)
    if meter.ended_at is not None:
        raise AlreadyEnded
    place = await compound_for(uow, meter.compound_id, may_keep_books)
    today = local_day(uow.now, place.timezone)
    new = Reading(read_on or today, scaled(value, places=QUANTITY_PLACES, field="value"))
    await _set_aside(uow, meter_id)
    state = judge(new, await _history(uow, meter_id), today=today)
    row = areas(meter) | {
        "home_id": meter.home_id,
        "meter_id": meter_id,
        "read_on": new.on,
        "value": new.value,
        "source": str(source),
        "state": str(state),
        "read_by": uow.actor.account_id,
        "created_at": uow.now,
    }
    made = await uow.session.execute(insert(MeterReading).values(row).returning(MeterReading.id))
    return int(made.scalar_one())


async def judge_reading(uow: UnitOfWork, *, reading_id: int, good: bool) -> None:
    """Somebody looked at the meter again: the reading is right, or it was wrong.

    Raises NotFound, Forbidden, ReadingJudged (it does not wait), ReadingOutOfOrder, ReadingBelowLast.
    """
    reading = await locked(uow, MeterReading, reading_id, may_keep_books)
    await uow.session.execute(select(Meter.id).where(Meter.id == reading.meter_id).with_for_update())
    if reading.state != ReadingState.TO_CONFIRM:
        raise ReadingJudged
    if good:
        judge(Reading(reading.read_on, reading.value), await _history(uow, reading.meter_id), today=reading.read_on)
    state = ReadingState.ACCEPTED if good else ReadingState.REJECTED
    values = {"state": str(state), "judged_by": uow.actor.account_id, "judged_at": uow.now}
    await uow.session.execute(update(MeterReading).where(MeterReading.id == reading_id).values(**values))
    said = {"state": str(state)}
    uow.record("reading.judged", "MeterReading", reading_id, where=reading, homes=(reading.home_id,), details=said)


async def _set_aside(uow: UnitOfWork, meter_id: int) -> None:
    """A newer reading answers the question an older one has raised."""
    waiting = update(MeterReading).where(
        MeterReading.meter_id == meter_id, MeterReading.state == str(ReadingState.TO_CONFIRM)
    )
    said = {"state": str(ReadingState.REJECTED), "judged_at": uow.now, "judged_by": uow.actor.account_id}
    await uow.session.execute(waiting.values(**said).execution_options(synchronize_session=False))


async def _history(uow: UnitOfWork, meter_id: int) -> list[Reading]:
    rows = await uow.session.execute(
        select(MeterReading.read_on, MeterReading.value)
        .where(MeterReading.meter_id == meter_id, MeterReading.state == str(ReadingState.ACCEPTED))
        .order_by(MeterReading.read_on)
    )
    return [Reading(on, value) for on, value in rows]
