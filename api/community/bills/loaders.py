"""Batches of bills: many rows by id in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from api.context import Context
from domain.community.bills.fees.models import FeeArea
from domain.community.bills.fees.queries import rules_by_id
from domain.community.bills.imports.queries import imports_by_id
from domain.community.bills.meters.models import Meter, MeterReading
from domain.community.bills.models import BillAccount
from domain.community.bills.queries import bills_by_id, rows_by_id
from domain.community.payments.prepaid.models import PrepaidBalance
from domain.kernel.uow import AnyRow

Rows = Callable[[Context, Sequence[int]], Awaitable[dict[int, AnyRow]]]


async def bills(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Bills by id."""
    return {row.id: row for row in await bills_by_id(context.read, context.actor, ids)}


async def fee_rules(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Fee rules by id."""
    return {row.id: row for row in await rules_by_id(context.read, context.actor, ids)}


def _rows(table: Any) -> Rows:
    async def batch(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
        return {row.id: row for row in await rows_by_id(context.read, context.actor, table, ids)}

    return batch


async def imports(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Files of bills by id."""
    return {row.id: row for row in await imports_by_id(context.read, context.actor, ids)}


accounts = _rows(BillAccount)
fee_areas = _rows(FeeArea)
meters = _rows(Meter)
readings = _rows(MeterReading)
balances = _rows(PrepaidBalance)
