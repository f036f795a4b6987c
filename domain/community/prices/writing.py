"""Prices into their market, set-based: the same price again changes nothing, a corrected one takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.prices.events import PriceAlertReached
from domain.community.prices.models import Market, Price, PriceAlert, PriceIndex
from domain.community.prices.rules import IndexValue, Quote
from domain.identity.models import Household
from domain.kernel.uow import UnitOfWork

AREAS = ("county_id", "town_id", "community_id", "compound_id")
CHUNK = 500
GIVEN = (
    "on_day", "name", "spec", "origin", "category", "unit", "low_fen", "average_fen", "high_fen", "jin_fen",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Into:
    """A market as prices are written into it."""

    id: int
    county_id: int | None
    town_id: int | None
    community_id: int | None
    compound_id: int | None


async def store(uow: UnitOfWork, market: Into, quotes: Sequence[Quote], *, account_id: int | None = None) -> list[int]:
    """Write prices and tell whoever waits for them; ids of rows that are new or now say something else."""
    # Whoever writes the same market waits here: two lists in another order would wait for each other's rows.
    await uow.session.execute(select(Market.id).where(Market.id == market.id).with_for_update())
    found = {quote.external_id: quote for quote in quotes}  # of two with one id the last counts
    rows = [_row(uow, market, quote, account_id) for quote in found.values()]
    ids: list[int] = []
    for start in range(0, len(rows), CHUNK):
        statement = insert(Price).values(rows[start : start + CHUNK])
        new = {name: statement.excluded[name] for name in (*GIVEN, "account_id", "recorded_at")}
        was = func.row(*(getattr(Price, name) for name in GIVEN))
        changed = was.is_distinct_from(func.row(*(statement.excluded[name] for name in GIVEN)))
        written = await uow.session.execute(
            statement.on_conflict_do_update(
                index_elements=["market_id", "external_id"], set_=new, where=changed
            ).returning(Price.id)
        )
        ids += written.scalars()
    if found:
        newest = max(quote.on_day for quote in found.values())
        await uow.session.execute(
            update(Market)
            .where(Market.id == market.id)
            .values(latest_on=func.greatest(Market.latest_on, newest))
            .execution_options(synchronize_session=False)
        )
        await _tell(uow, market, newest)
    return ids


def _row(uow: UnitOfWork, market: Into, quote: Quote, account_id: int | None) -> dict[str, Any]:
    return {
        **{name: getattr(market, name) for name in AREAS},
        "market_id": market.id,
        "external_id": quote.external_id,
        "on_day": quote.on_day,
        "name": quote.name,
        "spec": quote.spec,
        "origin": quote.origin,
        "category": str(quote.category),
        "unit": quote.unit,
        "low_fen": quote.low_fen,
        "average_fen": quote.average_fen,
        "high_fen": quote.high_fen,
        "jin_fen": quote.jin_fen,
        "account_id": account_id,
        "recorded_at": uow.now,
    }


async def store_indices(uow: UnitOfWork, market: Into, values: Sequence[IndexValue]) -> None:
    """Write index values; one that is there is replaced."""
    rows: Mapping[tuple[date, str], dict[str, Any]] = {
        (value.on_day, value.name): {
            "market_id": market.id,
            "on_day": value.on_day,
            "name": value.name,
            "hundredths": value.hundredths,
        }
        for value in values
    }
    if rows:
        statement = insert(PriceIndex).values(list(rows.values()))
        await uow.session.execute(
            statement.on_conflict_do_update(
                index_elements=["market_id", "on_day", "name"], set_={"hundredths": statement.excluded.hundredths}
            )
        )


async def _tell(uow: UnitOfWork, market: Into, day: date) -> None:
    """Tell those who wait for a price of ``day``, if that is the market's newest; arm again those whose price rose.

    The lowest price of a name counts, whatever its kind and place. One statement each way, and the row count decides:
    of two that write the same day at once one tells.
    """
    lowest = (
        select(Price.name, func.min(Price.jin_fen).label("fen"))
        .join(Market, Market.id == Price.market_id)
        .where(Price.market_id == market.id, Price.on_day == day, Market.latest_on == day, Price.jin_fen.is_not(None))
        .group_by(Price.name)
        .subquery()
    )
    here = (PriceAlert.market_id == market.id, PriceAlert.name == lowest.c.name)
    quiet = {"synchronize_session": False}
    await uow.session.execute(
        update(PriceAlert)
        .where(*here, PriceAlert.told_on < day, PriceAlert.below_fen <= lowest.c.fen)
        .values(told_on=None)
        .execution_options(**quiet)
    )
    wanted = [*here, PriceAlert.told_on.is_(None), PriceAlert.below_fen > lowest.c.fen]
    if market.compound_id is not None:  # whoever moved away is told no longer
        living = select(Household.account_id).where(
            Household.compound_id == market.compound_id, Household.ended_at.is_(None)
        )
        wanted.append(PriceAlert.account_id.in_(living))
    reached = await uow.session.execute(
        update(PriceAlert)
        .where(*wanted)
        .values(told_on=day)
        .returning(PriceAlert.id, PriceAlert.account_id, PriceAlert.name, PriceAlert.below_fen, lowest.c.fen)
        .execution_options(**quiet)
    )
    for row in reached.all():
        uow.emit(
            PriceAlertReached(row.id, row.account_id, market.id, row.name, row.fen, row.below_fen, day.isoformat()),
            compound_id=market.compound_id,
        )
