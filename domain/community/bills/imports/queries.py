"""Reads of files of bills: how far they have come, and what is wrong with their rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from domain.community.bills.imports.models import BillImport, BillImportRow
from domain.community.bills.sight import visible
from domain.kernel.actor import Actor
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader

COLUMNS = tuple(column for column in BillImport.__table__.columns if column.name != "content")


async def import_page(
    reader: Reader, actor: Actor, *, compound_id: int | None, first: int, after: str | None
) -> Page[AnyRow]:
    """Imports that the actor sees, in order of id. Raises BadCursor."""
    query = select(*COLUMNS).where(visible(actor, BillImport))
    if compound_id is not None:
        query = query.where(BillImport.compound_id == compound_id)
    return await keyset_page(reader, query, BillImport.id, first=first, after=after)


async def imports_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The imports among ``ids`` that the actor sees."""
    return await reader.rows(select(*COLUMNS).where(BillImport.id.in_(ids), visible(actor, BillImport)))


async def fault_page(reader: Reader, actor: Actor, *, import_id: int, first: int, after: str | None) -> Page[AnyRow]:
    """Rows of an import with their faults, in the file's order. Raises BadCursor."""
    query = select(BillImportRow.number.label("id"), BillImportRow.fault, BillImportRow.fault_column).where(
        BillImportRow.import_id == import_id, BillImportRow.fault.is_not(None), visible(actor, BillImportRow)
    )
    return await keyset_page(reader, query, BillImportRow.number, first=first, after=after)
