"""Commands on prices: the office enters and withdraws its market's, residents wait for low ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from domain.community.prices.entry import Entry, quote_of
from domain.community.prices.errors import FutureDay, InvalidPrice, PriceAlertExists, TooManyAlerts
from domain.community.prices.models import Market, Price, PriceAlert
from domain.community.prices.policies import may_enter, may_wait
from domain.community.prices.queries import in_sight
from domain.community.prices.rules import MAX_FEN, MAX_NAME, MOST_ALERTS, Quote, Source, today_in
from domain.community.prices.table import BadLine, Table, read_table
from domain.community.prices.writing import Into, store
from domain.estate.models import Area
from domain.estate.queries import CompoundPlace, compound_place
from domain.identity.models import Account
from domain.identity.policies import place_of
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_DAYS_AGO = 31


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a list: the prices it has, its lines that are none, and how many were written or changed.

    With one bad line nothing is written.
    """

    quotes: Sequence[Quote]
    bad: Sequence[BadLine]
    stored: int


async def record_price(uow: UnitOfWork, *, compound_id: int, entry: Entry) -> int:
    """Enter a price of the compound's own market; its id. The same goods of the same day take its place.

    Raises NotFound, Forbidden, FutureDay, InvalidText, InvalidPrice, InvalidRange.
    """
    place = await _office_of(uow, compound_id)
    _check_day(uow, place, entry.day)
    quote = quote_of(entry)
    market = await own_market(uow, place)
    await store(uow, market, [replace(quote, external_id=quote.key)], account_id=uow.actor.account_id)
    found = select(Price.id).where(Price.market_id == market.id, Price.external_id == quote.key)
    price_id: int = (await uow.session.execute(found)).scalar_one()
    uow.record("price.recorded", "Price", price_id, where=place, details={"day": entry.day.isoformat()})
    return price_id


async def import_prices(uow: UnitOfWork, *, compound_id: int, day: date, csv: str, preview: bool) -> Imported:
    """Enter a list of one day's prices: all of it, or nothing when a line is bad or it is only a ``preview``.

    Raises NotFound, Forbidden, FutureDay, InvalidTable.
    """
    place = await _office_of(uow, compound_id)
    _check_day(uow, place, day)
    table: Table = read_table(csv, day=day)
    if preview or table.bad or not table.quotes:
        return Imported(table.quotes, table.bad, 0)
    market = await own_market(uow, place)
    quotes = [replace(quote, external_id=quote.key) for quote in table.quotes]
    ids = await store(uow, market, quotes, account_id=uow.actor.account_id)
    details = {"day": day.isoformat(), "lines": len(quotes), "changed": len(ids)}
    uow.record("prices.imported", "Market", market.id, where=place, details=details)
    return Imported(table.quotes, (), len(ids))


async def withdraw_price(uow: UnitOfWork, *, price_id: int) -> None:
    """Take back a price that an office entered by mistake. Raises NotFound, Forbidden."""
    found = await uow.session.execute(select(Price).where(Price.id == price_id, in_sight(uow.actor, Price)))
    price = found.scalar_one_or_none()
    if price is None:
        raise NotFound(field="id")
    if price.compound_id is None or not may_enter(uow.actor, place_of(price)):
        raise Forbidden
    gone = await uow.session.execute(delete(Price).where(Price.id == price_id).returning(Price.id))
    if gone.first() is None:
        raise NotFound(field="id")
    newest = select(func.max(Price.on_day)).where(Price.market_id == price.market_id).scalar_subquery()
    market = await uow.session.get_one(Market, price.market_id, with_for_update=True)
    market.latest_on = (await uow.session.execute(select(newest))).scalar()
    uow.record("price.withdrawn", "Price", price_id, where=price, details={"day": price.on_day.isoformat()})


async def create_alert(uow: UnitOfWork, *, market_id: int, name: str, below_fen: int) -> int:
    """Have the actor told when ``name`` costs less than ``below_fen`` for 500 g in the market; the alert's id.

    Raises NotFound (market out of sight), Forbidden, InvalidText, InvalidPrice, PriceAlertExists, TooManyAlerts.
    """
    seen = select(Market.id, Market.compound_id).where(Market.id == market_id, in_sight(uow.actor, Market))
    market = (await uow.session.execute(seen)).first()
    if market is None:
        raise NotFound(field="market")
    if not may_wait(uow.actor, market.compound_id):
        raise Forbidden
    goods = words(name, field="name", most=MAX_NAME, least=1)
    if not 0 < below_fen <= MAX_FEN:
        raise InvalidPrice(field="belowFen")
    account = uow.actor.account_id
    # Whoever adds two at once waits here, so that the limit holds.
    await uow.session.execute(select(Account.id).where(Account.id == account).with_for_update())
    kept = await uow.session.scalar(select(func.count()).where(PriceAlert.account_id == account))
    if (kept or 0) >= MOST_ALERTS:
        raise TooManyAlerts(most=MOST_ALERTS)
    row = {
        "account_id": account,
        "market_id": market_id,
        "name": goods,
        "below_fen": below_fen,
        "created_at": uow.now,
    }
    made = await uow.session.execute(insert(PriceAlert).values(row).on_conflict_do_nothing().returning(PriceAlert.id))
    alert_id = made.scalar()
    if alert_id is None:
        raise PriceAlertExists(field="name")
    return int(alert_id)


async def delete_alert(uow: UnitOfWork, *, alert_id: int) -> None:
    """Tell the actor no longer. Raises NotFound for an alert that is not theirs."""
    gone = await uow.session.execute(
        delete(PriceAlert)
        .where(PriceAlert.id == alert_id, PriceAlert.account_id == uow.actor.account_id)
        .returning(PriceAlert.id)
        .execution_options(synchronize_session=False)
    )
    if gone.first() is None:
        raise NotFound(field="id")


async def _office_of(uow: UnitOfWork, compound_id: int) -> CompoundPlace:
    """Where the compound stands, of which the actor is the office. Raises NotFound, Forbidden."""
    place = await compound_place(uow, compound_id)
    if place is None:
        raise NotFound(field="compound")
    if not may_enter(uow.actor, place_of(place)):
        raise Forbidden
    return place


def _check_day(uow: UnitOfWork, place: CompoundPlace, day: date) -> None:
    today = today_in(place.timezone, uow.now)
    if not today - timedelta(days=MOST_DAYS_AGO) <= day <= today:
        raise FutureDay(field="day", most=MOST_DAYS_AGO)


async def own_market(uow: UnitOfWork, place: CompoundPlace) -> Into:
    """The compound's own market, made when its first price is entered."""
    name = await uow.session.scalar(select(Area.name).where(Area.id == place.compound_id))
    row = place.ids() | {"source": str(Source.OFFICE), "name": name}
    await uow.session.execute(
        insert(Market)
        .values(row)
        .on_conflict_do_nothing(index_elements=["compound_id"], index_where=text("compound_id is not null"))
    )
    found = await uow.session.execute(select(Market.id).where(Market.compound_id == place.compound_id))
    return Into(found.scalar_one(), **place.ids())
