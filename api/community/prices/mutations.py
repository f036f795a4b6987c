"""Root mutations of prices."""

from __future__ import annotations

from datetime import date

import strawberry

from api.community.prices import types
from api.community.prices.inputs import RecordPriceInput
from api.community.prices.queries import read_alert, read_price
from api.context import Info
from api.nodes import row_id
from domain.community.prices import service
from domain.community.prices.rules import Quote
from domain.kernel.errors import NotFound


@strawberry.type
class PriceMutation:
    """Root mutations of prices."""

    @strawberry.mutation(description="Enter a price of the compound's own market. 录入本小区菜价。")
    async def record_price(self, info: Info, input: RecordPriceInput) -> types.Price:
        compound_id = row_id(input.compound, "Area", field="compound")
        async with info.context.uow() as uow:
            price_id = await service.record_price(uow, compound_id=compound_id, entry=input.entry())
        info.context.loaders.forget()
        found = await read_price(info.context, str(price_id))
        if found is None:
            raise NotFound
        return found

    @strawberry.mutation(
        description="Enter a list of one day's prices as CSV, or see what it would be read as. 导入（或预览）菜价表。"
    )
    async def import_prices(
        self, info: Info, compound: strawberry.ID, day: date, csv: str, preview: bool = False
    ) -> types.PriceImport:
        compound_id = row_id(compound, "Area", field="compound")
        async with info.context.uow() as uow:
            done = await service.import_prices(uow, compound_id=compound_id, day=day, csv=csv, preview=preview)
        errors = [types.line_error(bad, info.context.language) for bad in done.bad]
        return types.PriceImport(lines=[_line(quote) for quote in done.quotes], errors=errors, stored=done.stored)

    @strawberry.mutation(description="Take back a price of the compound's own market. 撤回录入的菜价。")
    async def withdraw_price(self, info: Info, id: strawberry.ID) -> bool:
        price_id = row_id(id, "Price")
        async with info.context.uow() as uow:
            await service.withdraw_price(uow, price_id=price_id)
        return True

    @strawberry.mutation(description="Tell me when it costs less than this for 500 g. 设置降价提醒。")
    async def create_price_alert(
        self, info: Info, market: strawberry.ID, name: str, below_fen: int
    ) -> types.PriceAlert:
        market_id = row_id(market, "Market", field="market")
        async with info.context.uow() as uow:
            alert_id = await service.create_alert(uow, market_id=market_id, name=name, below_fen=below_fen)
        info.context.loaders.forget()
        found = await read_alert(info.context, str(alert_id))
        if found is None:
            raise NotFound
        return found

    @strawberry.mutation(description="Tell me no longer. 取消降价提醒。")
    async def delete_price_alert(self, info: Info, id: strawberry.ID) -> bool:
        alert_id = row_id(id, "PriceAlert")
        async with info.context.uow() as uow:
            await service.delete_alert(uow, alert_id=alert_id)
        return True


def _line(quote: Quote) -> types.PriceLine:
    return types.PriceLine(
        name=quote.name,
        spec=quote.spec,
        origin=quote.origin,
        category=quote.category,
        unit=quote.unit,
        low_fen=quote.low_fen,
        average_fen=quote.average_fen,
        high_fen=quote.high_fen,
        fen_per_jin=quote.jin_fen,
    )
