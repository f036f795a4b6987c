"""GraphQL types of files of bills."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.estate.types import Area, area_of
from api.nodes import Node, global_id
from api.paging import Connection, connection
from domain.community.bills.imports import errors
from domain.community.bills.imports.faults import said
from domain.community.bills.imports.queries import fault_page
from domain.community.bills.imports.work import MOST_ROWS
from domain.kernel.errors import Invalid
from domain.kernel.money import yuan_of
from domain.kernel.paging import page_size
from domain.kernel.uow import AnyRow

_SHEETS: dict[str, type[Invalid]] = {
    error.code: error for error in (errors.BadSheet, errors.MissingColumns, errors.TooManyRows)
}


@strawberry.type(description="What is wrong with a row of a file. 文件行的问题。")
class BillImportFault:
    """``row``: counted from the first below the head; ``column``: by its name in the format."""

    row: int
    column: str
    code: str
    message: str


@strawberry.type(description="A file of bills that the office handed in. 账单导入任务。")
class BillImport(Node):
    """``state``: uploaded, checking, ready (look at ``faults``, then confirm), applying, done, failed, cancelled."""

    name: str
    format: str
    state: str
    total: int
    checked: int
    bad: int
    applied: int
    duplicate: int
    amount_yuan: str
    created_at: datetime
    finished_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="How much of what it is at is done, 0 to 1. 当前阶段进度。")
    def progress(self) -> float:
        done = self.applied if self.state in ("applying", "done") else self.checked
        return done / self.total if self.total else float(self.state == "done")

    @strawberry.field(description="Why the file could not be read. 文件无法读取的原因。")
    def failure(self, info: Info) -> str | None:
        if not self.row.fault:
            return None
        code, _, more = self.row.fault.partition(": ")
        error = _SHEETS.get(code)
        return code if error is None else error(columns=more, most=MOST_ROWS).message(info.context.language)

    @strawberry.field(description="Rows that are no bills, and why. 有问题的行。")
    async def faults(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[BillImportFault]:
        context, language = info.context, info.context.language
        page = await fault_page(context.read, context.actor, import_id=self.row.id, first=page_size(first), after=after)
        return connection(page, lambda row: fault(row, language))

    @strawberry.field(description="The compound it is for. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


def fault(row: AnyRow, language: str) -> BillImportFault:
    """The GraphQL object of a faulty row."""
    return BillImportFault(row=row.id, column=row.fault_column or "", code=row.fault, message=said(row.fault, language))


def bill_import(row: AnyRow) -> BillImport:
    """The GraphQL object of an import's row."""
    names = ("name", "format", "state", "total", "checked", "bad", "applied", "duplicate", "created_at", "finished_at")
    return BillImport(
        id=global_id("BillImport", row.id),
        amount_yuan=yuan_of(row.amount_fen),
        row=row,
        **{name: getattr(row, name) for name in names},
    )
