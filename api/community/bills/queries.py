"""Root queries and node readers of bills."""

from __future__ import annotations

from typing import Any

import strawberry

from api.community.bills import fee_types, loaders, types
from api.community.bills.imports import read_import
from api.context import Info
from api.nodes import NodeReader, by_number, optional_id
from api.paging import Connection, connection
from domain.community.bills.fees.models import FeeArea
from domain.community.bills.fees.queries import rule_page
from domain.community.bills.kinds import BillKind
from domain.community.bills.meters.models import Meter, MeterReading
from domain.community.bills.meters.rules import ReadingState
from domain.community.bills.models import BillAccount
from domain.community.bills.periods import month_of
from domain.community.bills.queries import BillFilter, BillStatus, bill_page, row_page
from domain.community.payments.prepaid.models import PrepaidBalance
from domain.kernel.paging import page_size


async def _rows(
    info: Info,
    table: Any,
    build: Any,
    home: strawberry.ID | None,
    compound: strawberry.ID | None,
    first: int | None,
    after: str | None,
    *where: Any,
) -> Connection[Any]:
    page = await row_page(
        info.context.read,
        info.context.actor,
        table,
        compound_id=optional_id(compound, "Area", field="compound"),
        home_id=optional_id(home, "Home", field="home"),
        first=page_size(first),
        after=after,
        where=where,
    )
    return connection(page, build)


@strawberry.type
class BillsQuery:
    """Root queries of bills."""

    @strawberry.field(description="Bills the caller may see, in order of id; period like 2026-10. 账单。")
    async def bills(
        self,
        info: Info,
        compound: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        kind: BillKind | None = None,
        period: str | None = None,
        status: BillStatus | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Bill]:
        wanted = BillFilter(
            optional_id(compound, "Area", field="compound"),
            optional_id(home, "Home", field="home"),
            kind,
            month_of(period) if period is not None else None,
            status,
        )
        page = await bill_page(info.context.read, info.context.actor, wanted, first=page_size(first), after=after)
        return connection(page, types.bill)

    @strawberry.field(description="Homes' accounts at suppliers, those in use. 户号。")
    async def bill_accounts(
        self,
        info: Info,
        compound: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.BillAccount]:
        return await _rows(info, BillAccount, types.account, home, compound, first, after)

    @strawberry.field(description="Fee rules in force; neighbours may know them. 现行收费规则（向住户公示）。")
    async def fee_rules(
        self, info: Info, compound: strawberry.ID | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[fee_types.FeeRule]:
        read, actor = info.context.read, info.context.actor
        where = optional_id(compound, "Area", field="compound")
        page = await rule_page(read, actor, compound_id=where, first=page_size(first), after=after)
        return connection(page, fee_types.rule)

    @strawberry.field(description="Floor areas homes are charged by. 计费面积。")
    async def fee_areas(
        self,
        info: Info,
        compound: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[fee_types.FeeArea]:
        return await _rows(info, FeeArea, fee_types.fee_area, home, compound, first, after)

    @strawberry.field(description="Meters in use. 在用表具。")
    async def meters(
        self,
        info: Info,
        compound: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[fee_types.Meter]:
        return await _rows(info, Meter, fee_types.meter, home, compound, first, after)

    @strawberry.field(description="Readings of meters, in order of id. 表具读数。")
    async def meter_readings(
        self,
        info: Info,
        compound: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        state: ReadingState | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[fee_types.MeterReading]:
        which = () if state is None else (MeterReading.state == str(state),)
        return await _rows(info, MeterReading, fee_types.reading, home, compound, first, after, *which)

    @strawberry.field(description="What homes have paid ahead. 预存余额。")
    async def prepaid_balances(
        self,
        info: Info,
        compound: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.PrepaidBalance]:
        return await _rows(info, PrepaidBalance, types.balance, home, compound, first, after)


read_bill = by_number(loaders.bills, types.bill)
read_account = by_number(loaders.accounts, types.account)
read_rule = by_number(loaders.fee_rules, fee_types.rule)
read_area = by_number(loaders.fee_areas, fee_types.fee_area)
read_meter = by_number(loaders.meters, fee_types.meter)
read_reading = by_number(loaders.readings, fee_types.reading)
read_balance = by_number(loaders.balances, types.balance)


NODE_READERS: dict[str, NodeReader] = {
    "Bill": read_bill,
    "BillAccount": read_account,
    "FeeRule": read_rule,
    "FeeArea": read_area,
    "Meter": read_meter,
    "MeterReading": read_reading,
    "PrepaidBalance": read_balance,
    "BillImport": read_import,
}
