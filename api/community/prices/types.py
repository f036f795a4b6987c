"""GraphQL types of markets, prices and alerts on them."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from api.community.prices import loaders
from api.context import Info
from api.estate.types import Area, area_of
from api.nodes import Node, global_id
from domain.community.prices import rules
from domain.community.prices.queries import since_days
from domain.community.prices.rules import Category, Source
from domain.community.prices.table import BadLine
from domain.kernel.uow import AnyRow

strawberry.enum(Category, name="GoodsCategory", description="What is sold. 商品分类。")
strawberry.enum(Source, name="PriceSource", description="Who says what a price is. 价格来源。")


@strawberry.type(description="A day's value of a published price index. 价格指数。")
class PriceIndexValue:
    """``hundredths``: 11532 is 115.32."""

    on: date
    name: str
    hundredths: int


@strawberry.type(description="A market whose prices are known. 菜市场。")
class Market(Node):
    """One market."""

    source: Source
    name: str
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The day of its newest prices. 最新价格日期。")
    def latest_on(self) -> date | None:
        return self.row.latest_on  # type: ignore[no-any-return]  # a column

    @strawberry.field(description="Set when today's prices are not there: the day they are of. 价格过期时为其日期。")
    def stale_since(self, info: Info) -> date | None:
        return rules.stale_since(self.row.latest_on, rules.today_in(self.row.timezone, info.context.now()))

    @strawberry.field(description="When its publisher was last heard; null for an office's own. 最近抓取时间。")
    def fetched_at(self) -> datetime | None:
        return self.row.fetched_at  # type: ignore[no-any-return]  # a column

    @strawberry.field(description="The compound whose own market it is. 所属小区（自有市场）。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id) if self.row.compound_id is not None else None

    @strawberry.field(description="Index values it publishes, newest first; 1 to 366 days. 价格指数（最新在前）。")
    async def indices(self, info: Info, days: int = 30) -> list[PriceIndexValue]:
        since = since_days(rules.today_in(self.row.timezone, info.context.now()), days)
        rows = await info.context.loaders.one(loaders.indices, (self.row.id, since))
        return [PriceIndexValue(on=row.on_day, name=row.name, hundredths=row.hundredths) for row in rows or ()]


@strawberry.type(description="A price beside an earlier one of the same goods, in fen for its unit. 价格对比。")
class PriceCompared:
    """``on``: the day of the earlier price."""

    on: date
    fen: int
    change_fen: int


@strawberry.type(description="What a market asked for one kind of goods on one day. 价格。")
class Price(Node):
    """One price. ``unit``: as its source has it; low, average and high are fen for one of these."""

    on: date
    name: str
    spec: str
    origin: str
    category: Category
    unit: str
    low_fen: int | None
    average_fen: int
    high_fen: int | None
    fen_per_jin: int | None = strawberry.field(
        description="The average for 500 g in fen; null where the unit is no weight. 每500克均价（分）。"
    )
    recorded_at: datetime
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="Where it was asked. 所在市场。")
    async def market(self, info: Info) -> Market | None:
        return await market_of(info, self.row.market_id)

    @strawberry.field(description="The market day before. 与前一市日对比。")
    async def day_before(self, info: Info) -> PriceCompared | None:
        return await self._compared(info, 1)

    @strawberry.field(description="A week before. 与上周对比。")
    async def week_before(self, info: Info) -> PriceCompared | None:
        return await self._compared(info, 7)

    @strawberry.field(description="The cheapest of this name in each market's newest prices. 各市场同名最低价。")
    async def elsewhere(self, info: Info) -> list[Price]:
        rows = await info.context.loaders.one(loaders.elsewhere, self.name)
        return [price(row) for row in rows or () if row.market_id != self.row.market_id]

    async def _compared(self, info: Info, days: int) -> PriceCompared | None:
        row = self.row
        kind = (row.market_id, row.name, row.spec, row.origin, row.unit)
        past = await info.context.loaders.one(loaders.past, (kind, row.on_day)) or {}
        found = rules.compared(row.average_fen, row.on_day, past, days=days)
        return None if found is None else PriceCompared(on=found.on_day, fen=found.fen, change_fen=found.change_fen)


@strawberry.type(description="Tell me when a price is low. 降价提醒。")
class PriceAlert(Node):
    """One alert, its account's own. ``told_on``: the day it was reached; null while it waits."""

    name: str
    below_fen: int
    created_at: datetime
    told_on: date | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The market it watches. 关注的市场。")
    async def market(self, info: Info) -> Market | None:
        return await market_of(info, self.row.market_id)


@strawberry.type(description="A line of a list that is no price. 无法识别的行。")
class PriceLineError:
    """``line``: its number in the file, the names being line 1."""

    line: int
    code: str
    field: str | None
    message: str


@strawberry.type(description="One price of a list, as it was read. 已识别的价格。")
class PriceLine:
    """Not stored yet when it was only a preview."""

    name: str
    spec: str
    origin: str
    category: Category
    unit: str
    low_fen: int | None
    average_fen: int
    high_fen: int | None
    fen_per_jin: int | None


@strawberry.type(description="What became of a list of prices. 价格导入结果。")
class PriceImport:
    """With one bad line, or in a preview, nothing is stored."""

    lines: list[PriceLine]
    errors: list[PriceLineError]
    stored: int


def market(row: AnyRow) -> Market:
    """The GraphQL object of a market row."""
    return Market(id=global_id("Market", row.id), source=Source(row.source), name=row.name, row=row)


def price(row: AnyRow) -> Price:
    """The GraphQL object of a price row."""
    return Price(
        id=global_id("Price", row.id),
        on=row.on_day,
        name=row.name,
        spec=row.spec,
        origin=row.origin,
        category=Category(row.category),
        unit=row.unit,
        low_fen=row.low_fen,
        average_fen=row.average_fen,
        high_fen=row.high_fen,
        fen_per_jin=row.jin_fen,
        recorded_at=row.recorded_at,
        row=row,
    )


def alert(row: AnyRow) -> PriceAlert:
    """The GraphQL object of an alert row."""
    return PriceAlert(
        id=global_id("PriceAlert", row.id),
        name=row.name,
        below_fen=row.below_fen,
        created_at=row.created_at,
        told_on=row.told_on,
        row=row,
    )


def line_error(bad: BadLine, language: str) -> PriceLineError:
    """What is wrong with a line, in the caller's language."""
    error = bad.error
    return PriceLineError(line=bad.line, code=error.code, field=error.field, message=error.message(language))


async def market_of(info: Info, market_id: int) -> Market | None:
    """The market, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.markets, market_id)
    return market(row) if row is not None else None
