"""Commands on files of bills: handed in, checked, confirmed, cancelled. The worker does the work between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from domain.community.bills.imports.errors import BadSheet, FaultyRows, ImportState
from domain.community.bills.imports.models import BillImport, BillImportRow
from domain.community.bills.policies import may_decide_dues, may_keep_books
from domain.community.bills.sight import May, compound_for, visible
from domain.identity.allowances import spend
from domain.identity.policies import place_of
from domain.identity.ports import Vault
from domain.identity.rules import Allowance
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

FILES_PER_ACCOUNT: Final = Allowance("bill_files", timedelta(minutes=3), 20)
STARTS: Final = ("uploaded", "ready", "failed")
ENDS: Final = ("uploaded", "checking", "ready", "failed")


def content_place(import_id: int) -> str:
    """Where the sealed file of an import stands."""
    return f"bill_import|content|{import_id}"


async def upload(uow: UnitOfWork, *, vault: Vault, compound_id: int, name: str, form: str, content: bytes) -> int:
    """Take in a file of bills, "csv" or "xlsx", for a compound; returns the import's id. Nothing is read of it yet.

    Raises NotFound, Forbidden, BadSheet: there is nothing in it; InvalidText, Limited.
    """
    place = await compound_for(uow, compound_id, may_keep_books)
    if not content.strip():
        raise BadSheet(field="file")
    if uow.actor.account_id is not None:
        await spend(uow, FILES_PER_ACCOUNT, vault.index("rate_limit.account", str(uow.actor.account_id)))
    await vault.ready((compound_id,))
    ids = select(func.nextval(func.pg_get_serial_sequence("bill_import", "id")))
    import_id: int = (await uow.session.execute(ids)).scalar_one()
    row = place.ids() | {
        "id": import_id,
        "name": words(name, field="name", most=120),
        "format": form,
        "state": "uploaded",
        "content": vault.seal(content, content_place(import_id), area=compound_id),
        "created_by": uow.actor.account_id,
        "created_at": uow.now,
    }
    await uow.session.execute(insert(BillImport).values(row))
    said = {"bytes": len(content), "format": form}
    uow.record("bill_import.uploaded", "BillImport", import_id, where=place, details=said)
    return import_id


async def start(uow: UnitOfWork, *, import_id: int) -> None:
    """Have the file read and every row checked; again, when accounts or homes have been mended since.

    Raises NotFound, Forbidden, ImportState.
    """
    await _move(uow, import_id, may_keep_books, BillImport.state.in_(STARTS), state="checking", fault=None, **_ZERO)
    await uow.session.execute(delete(BillImportRow).where(BillImportRow.import_id == import_id))


async def confirm(uow: UnitOfWork, *, import_id: int, skip_faulty: bool = False) -> None:
    """Have the rows without faults become bills. Raises NotFound, Forbidden, ImportState, FaultyRows."""
    where = BillImport.state == "ready"
    if not skip_faulty:
        bad = await uow.session.scalar(select(BillImport.bad).where(BillImport.id == import_id, where))
        if bad:
            await _seen(uow, import_id, may_decide_dues)
            raise FaultyRows(bad=bad)
        where &= BillImport.bad == 0
    found = await _move(uow, import_id, may_decide_dues, where, state="applying")
    uow.record("bill_import.confirmed", "BillImport", import_id, where=found)


async def cancel(uow: UnitOfWork, *, import_id: int) -> None:
    """Make no bills of it, and forget the file. Raises NotFound, Forbidden, ImportState."""
    where = BillImport.state.in_(ENDS)
    values = {"state": "cancelled", "content": None, "finished_at": uow.now}
    found = await _move(uow, import_id, may_keep_books, where, **values)
    await uow.session.execute(delete(BillImportRow).where(BillImportRow.import_id == import_id))
    uow.record("bill_import.cancelled", "BillImport", import_id, where=found)


_ZERO: Final = {"total": 0, "checked": 0, "bad": 0, "applied": 0, "duplicate": 0, "amount_fen": 0}
_PLACE: Final = (
    BillImport.state,
    BillImport.county_id,
    BillImport.town_id,
    BillImport.community_id,
    BillImport.compound_id,
)


async def _seen(uow: UnitOfWork, import_id: int, may: May) -> Any:
    found = await uow.session.execute(select(*_PLACE).where(BillImport.id == import_id, visible(uow.actor, BillImport)))
    row = found.first()
    if row is None:
        raise NotFound(field="id")
    if not may(uow.actor, place_of(row)):
        raise Forbidden
    return row


async def _move(uow: UnitOfWork, import_id: int, may: May, where: ColumnElement[bool], **values: Any) -> Any:
    """Change an import that is where it must be; its row before. The worker's batch in hand is waited for."""
    row = await _seen(uow, import_id, may)
    changed = update(BillImport).where(BillImport.id == import_id, where).values(**values)
    done = await uow.session.execute(changed.returning(BillImport.id).execution_options(synchronize_session=False))
    if done.scalar() is None:
        raise ImportState(state=row.state)
    return row
