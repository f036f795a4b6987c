"""Reads of markets and prices: the public ones, and those of the compounds the actor lives, works or serves in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from domain.community.prices.models import Market, Price, PriceAlert, PriceIndex
from domain.community.prices.rules import Category
from domain.estate.models import Area
from domain.estate.visibility import visible_to
from domain.kernel.actor import Actor
from domain.kernel.errors import NotFound
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import BadCursor, Page, decode_cursor, encode_cursor
from domain.kernel.uow import AnyRow, Reader

MARKETS = (Market.id, Market.source, Market.name, Market.compound_id, Market.latest_on, Market.fetched_at)
PRICES = (
    Price.id,
    Price.market_id,
    Price.on_day,
    Price.name,
    Price.spec,
    Price.origin,
    Price.category,
    Price.unit,
    Price.low_fen,
    Price.average_fen,
    Price.high_fen,
    Price.jin_fen,
    Price.recorded_at,
)
ALERTS = (
    PriceAlert.id,
    PriceAlert.market_id,
    PriceAlert.name,
    PriceAlert.below_fen,
    PriceAlert.created_at,
    PriceAlert.told_on,
)
MOST_ELSEWHERE = 20
Kind = tuple[int, str, str, str, str]
"""Market id, name, spec, origin and unit: what is the same goods from day to day."""


def in_sight(actor: Actor, table: Any) -> ColumnElement[bool]:
    """SQL: the market or price is public, or of a compound the actor lives, works or serves in."""
    return or_(table.compound_id.is_(None), visible_to(actor, table, neighbours=True))


def _markets(actor: Actor) -> Select[*tuple[Any, ...]]:
    zone = func.coalesce(Area.timezone, "Asia/Shanghai").label("timezone")
    return select(*MARKETS, zone).outerjoin(Area, Area.id == Market.compound_id).where(in_sight(actor, Market))


async def market_page(reader: Reader, actor: Actor, *, first: int, after: str | None) -> Page[AnyRow]:
    """Markets in sight, in order of id. Raises BadCursor."""
    return await keyset_page(reader, _markets(actor), Market.id, first=first, after=after)


async def markets_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The markets among ``ids`` that are in sight."""
    return await reader.rows(_markets(actor).where(Market.id.in_(ids)))


@dataclass(frozen=True, slots=True)
class PriceFilter:
    """Which prices. name: a part of the goods' name."""

    market_id: int | None = None
    name: str | None = None
    category: Category | None = None


async def today_page(
    reader: Reader, actor: Actor, wanted: PriceFilter, *, first: int, after: str | None
) -> Page[AnyRow]:
    """The prices of each market's newest day, in order of id. Raises NotFound (market out of sight), BadCursor."""
    query = (
        select(*PRICES)
        .join(Market, and_(Market.id == Price.market_id, Market.latest_on == Price.on_day))
        .where(in_sight(actor, Price), in_sight(actor, Market), *await _narrowed(reader, actor, wanted))
    )
    return await keyset_page(reader, query, Price.id, first=first, after=after)


async def history_page(
    reader: Reader, actor: Actor, wanted: PriceFilter, since: date, *, first: int, after: str | None
) -> Page[AnyRow]:
    """Prices from ``since`` on, newest day first. Raises NotFound (market out of sight), BadCursor."""
    query = select(*PRICES).where(in_sight(actor, Price), Price.on_day >= since)
    query = query.where(*await _narrowed(reader, actor, wanted))
    if after is not None:
        day, number = decode_cursor(after, (str, int))
        try:
            query = query.where(tuple_(Price.on_day, Price.id) < (date.fromisoformat(day), number))
        except ValueError as error:
            raise BadCursor from error
    rows = await reader.rows(query.order_by(Price.on_day.desc(), Price.id.desc()).limit(first + 1))
    kept = tuple(rows[:first])
    cursors = tuple(encode_cursor(row.on_day.isoformat(), row.id) for row in kept)
    return Page(items=kept, cursors=cursors, has_next=len(rows) > first)


async def _narrowed(reader: Reader, actor: Actor, wanted: PriceFilter) -> list[ColumnElement[bool]]:
    tests: list[ColumnElement[bool]] = []
    if wanted.market_id is not None:
        if not await markets_by_id(reader, actor, [wanted.market_id]):
            raise NotFound(field="market")
        tests.append(Price.market_id == wanted.market_id)
    if wanted.name is not None:
        tests.append(Price.name.contains(wanted.name.strip(), autoescape=True))
    if wanted.category is not None:
        tests.append(Price.category == str(wanted.category))
    return tests


async def prices_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The prices among ``ids`` that are in sight."""
    return await reader.rows(select(*PRICES).where(Price.id.in_(ids), in_sight(actor, Price)))


async def past_of(
    reader: Reader, actor: Actor, kinds: Sequence[Kind], since: date, until: date
) -> dict[Kind, dict[date, int]]:
    """Prices of the same goods by day, in fen for one unit as the source has it."""
    key = (Price.market_id, Price.name, Price.spec, Price.origin, Price.unit)
    rows = await reader.rows(
        select(*key, Price.on_day, Price.average_fen)
        .where(tuple_(*key).in_(kinds), Price.on_day.between(since, until), in_sight(actor, Price))
        .order_by(Price.id)
    )
    found: dict[Kind, dict[date, int]] = {}
    for row in rows:
        kind = (row.market_id, row.name, row.spec, row.origin, row.unit)
        found.setdefault(kind, {})[row.on_day] = row.average_fen
    return found


async def elsewhere_of(reader: Reader, actor: Actor, names: Sequence[str]) -> dict[str, list[AnyRow]]:
    """Each market's cheapest price of its newest day for each name, cheapest first, by name; weights only."""
    rank = func.row_number().over(
        partition_by=(Price.name, Price.market_id), order_by=(Price.jin_fen.asc(), Price.id.asc())
    )
    newest = (
        select(Price.id, rank.label("rank"))
        .join(Market, and_(Market.id == Price.market_id, Market.latest_on == Price.on_day))
        .where(Price.name.in_(names), Price.jin_fen.is_not(None), in_sight(actor, Price), in_sight(actor, Market))
        .subquery()
    )
    cheapest = select(newest.c.id).where(newest.c.rank == 1)
    rows = await reader.rows(
        select(*PRICES).where(Price.id.in_(cheapest), in_sight(actor, Price)).order_by(Price.jin_fen, Price.id)
    )
    found: dict[str, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(row)
    return {name: rows[:MOST_ELSEWHERE] for name, rows in found.items()}


async def indices_of(reader: Reader, actor: Actor, market_ids: Sequence[int], since: date) -> dict[int, list[AnyRow]]:
    """Index values from ``since`` on, newest first, by market; of markets in sight."""
    seen = aliased(Market)
    rows = await reader.rows(
        select(PriceIndex.market_id, PriceIndex.on_day, PriceIndex.name, PriceIndex.hundredths)
        .join(seen, seen.id == PriceIndex.market_id)
        .where(PriceIndex.market_id.in_(market_ids), PriceIndex.on_day >= since, in_sight(actor, seen))
        .order_by(PriceIndex.on_day.desc(), PriceIndex.name)
    )
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.market_id, []).append(row)
    return found


def _own(actor: Actor) -> ColumnElement[bool]:
    return PriceAlert.account_id == actor.account_id if actor.account_id is not None else false()


async def alert_page(reader: Reader, actor: Actor, *, first: int, after: str | None) -> Page[AnyRow]:
    """The actor's own alerts, in order of id. Raises BadCursor."""
    return await keyset_page(reader, select(*ALERTS).where(_own(actor)), PriceAlert.id, first=first, after=after)


async def alerts_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The actor's own alerts among ``ids``."""
    return await reader.rows(select(*ALERTS).where(PriceAlert.id.in_(ids), _own(actor)))


def since_days(today: date, days: int) -> date:
    """The first day of the last ``days`` days, one to 366."""
    return today - timedelta(days=min(max(days, 1), 366) - 1)
