"""Fetching of published prices: whose turn it is, and what came of it. The source is asked in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.prices.models import Market
from domain.community.prices.ports import Fetched
from domain.community.prices.rules import Source, after_failure, days_to_fetch, next_fetch
from domain.community.prices.writing import Into, store, store_indices
from domain.kernel.uow import UnitOfWork

LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Turn:
    """A market to be fetched now, by nobody else until the lease ends."""

    market: Into
    first: date
    last: date


async def begin_fetch(uow: UnitOfWork, *, source: Source, market: str) -> Turn | None:
    """Take the turn to fetch a source; None when it is not due, or somebody else is at it.

    ``uow`` acts for all counties: what is fetched is nobody's own.
    """
    row = {"source": str(source), "name": market, "due_at": uow.now}
    await uow.session.execute(
        insert(Market)
        .values(row)
        .on_conflict_do_nothing(index_elements=["source"], index_where=text("compound_id is null"))
    )
    taken = await uow.session.execute(
        update(Market)
        .where(Market.compound_id.is_(None), Market.source == str(source), Market.due_at <= uow.now)
        .where(or_(Market.leased_until.is_(None), Market.leased_until <= uow.now))
        .values(leased_until=uow.now + LEASE, name=market)
        .returning(Market.id, Market.latest_on)
        .execution_options(synchronize_session=False)
    )
    found = taken.first()
    if found is None:
        return None
    first, last = days_to_fetch(found.latest_on, uow.now)
    return Turn(Into(found.id, None, None, None, None), first, last)


async def finish_fetch(uow: UnitOfWork, turn: Turn, fetched: Fetched) -> int:
    """Store what came and set the next turn to tomorrow; how many prices are new or changed."""
    changed = await store(uow, turn.market, fetched.quotes)
    await store_indices(uow, turn.market, fetched.indices)
    done = {"due_at": next_fetch(uow.now), "fetched_at": uow.now, "attempts": 0, "failed": None, "leased_until": None}
    await uow.session.execute(
        update(Market).where(Market.id == turn.market.id).values(done).execution_options(synchronize_session=False)
    )
    return len(changed)


async def fail_fetch(uow: UnitOfWork, turn: Turn, *, code: str) -> None:
    """Nothing came: later again, and later each time."""
    attempts = (
        await uow.session.execute(select(Market.attempts).where(Market.id == turn.market.id).with_for_update())
    ).scalar_one() + 1
    failed = {"due_at": after_failure(uow.now, attempts), "attempts": attempts, "failed": code, "leased_until": None}
    await uow.session.execute(
        update(Market).where(Market.id == turn.market.id).values(failed).execution_options(synchronize_session=False)
    )
