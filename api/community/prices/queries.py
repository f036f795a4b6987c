"""Root queries and node readers of prices."""

from __future__ import annotations

import strawberry

from api.community.prices import loaders, types
from api.context import Info
from api.nodes import NodeReader, by_number, row_id
from api.paging import Connection, connection
from domain.community.prices import queries
from domain.community.prices.queries import PriceFilter, since_days
from domain.community.prices.rules import SOURCE_ZONE, Category, today_in
from domain.kernel.paging import page_size


@strawberry.type
class PriceQuery:
    """Root queries of prices."""

    @strawberry.field(description="Markets whose prices the caller may know, in order of id. 可查价的市场。")
    async def markets(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[types.Market]:
        context = info.context
        page = await queries.market_page(context.read, context.actor, first=page_size(first), after=after)
        return connection(page, types.market)

    @strawberry.field(description="The newest prices of each market; see Market.staleSince. 今日菜价。")
    async def today_prices(
        self,
        info: Info,
        market: strawberry.ID | None = None,
        name: str | None = None,
        category: Category | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Price]:
        context, wanted = info.context, _filter(market, name, category)
        page = await queries.today_page(context.read, context.actor, wanted, first=page_size(first), after=after)
        return connection(page, types.price)

    @strawberry.field(description="Prices of the last days (1 to 366), newest day first. 历史价格。")
    async def price_history(
        self,
        info: Info,
        name: str | None = None,
        days: int | None = 30,
        market: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Price]:
        context, wanted = info.context, _filter(market, name, None)
        since = since_days(today_in(SOURCE_ZONE, context.now()), days or 30)
        by = (context.read, context.actor, wanted, since)
        return connection(await queries.history_page(*by, first=page_size(first), after=after), types.price)

    @strawberry.field(description="The caller's own price alerts. 本人的降价提醒。")
    async def price_alerts(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[types.PriceAlert]:
        context = info.context
        page = await queries.alert_page(context.read, context.actor, first=page_size(first), after=after)
        return connection(page, types.alert)


def _filter(market: strawberry.ID | None, name: str | None, category: Category | None) -> PriceFilter:
    return PriceFilter(row_id(market, "Market", field="market") if market is not None else None, name, category)


read_market = by_number(loaders.markets, types.market)
read_price = by_number(loaders.prices, types.price)
read_alert = by_number(loaders.alerts, types.alert)


NODE_READERS: dict[str, NodeReader] = {"Market": read_market, "Price": read_price, "PriceAlert": read_alert}
