"""The worker's part in a file of bills: rows are checked and applied in batches, each its own transaction.

How far it has come stands in the import itself, so a worker that was killed is followed by the next where it was, and
a bill that was made is known by its natural key: nothing is lost or made twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, select, update

from domain.community.bills.accounts import number_index
from domain.community.bills.due import DueTerms
from domain.community.bills.imports.before import Said, differing
from domain.community.bills.imports.faults import Fault, Wrong
from domain.community.bills.imports.models import BillImport, BillImportRow
from domain.community.bills.imports.rows import Address, FileBill, understood
from domain.community.bills.issuing import NewBill, issue
from domain.community.bills.kinds import BillKind, BillSource
from domain.community.bills.models import BillAccount
from domain.community.bills.service import local_day
from domain.community.bills.sight import areas
from domain.estate.models import Building, Home
from domain.estate.queries import compound_place
from domain.identity.ports import Vault
from domain.kernel import bulk
from domain.kernel.uow import UnitOfWork

MOST_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as text. columns: where each column of the format stands; rows: cells, without the head."""

    columns: Mapping[str, int]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Work:
    """An import that waits for the worker. state: "checking" or "applying"."""

    import_id: int
    compound_id: int
    state: str
    format: str


async def next_work(uow: UnitOfWork, *, but: Collection[int] = ()) -> Work | None:
    """The oldest import, none of ``but``, that nobody works on right now; it is locked until the unit ends."""
    found = await uow.session.execute(
        select(BillImport.id, BillImport.compound_id, BillImport.state, BillImport.format)
        .where(BillImport.state.in_(("checking", "applying")), BillImport.id.not_in(but))
        .order_by(BillImport.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = found.first()
    return Work(*row) if row is not None else None


async def sealed_content(uow: UnitOfWork, import_id: int) -> bytes | None:
    """The sealed file of an import."""
    return await uow.session.scalar(select(BillImport.content).where(BillImport.id == import_id))


async def fail(uow: UnitOfWork, *, import_id: int, fault: str) -> None:
    """The file cannot be read. fault: code and words, as the office sees them."""
    await uow.session.execute(
        update(BillImport)
        .where(BillImport.id == import_id, BillImport.state == "checking")
        .values(state="failed", fault=fault)
    )


async def _in_hand(uow: UnitOfWork, work: Work) -> BillImport | None:
    """The import, locked, if it is still where it was."""
    found = await uow.session.execute(
        select(BillImport)
        .where(BillImport.id == work.import_id, BillImport.state == work.state)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


_ROW: Final = (
    ("number", "int"),
    ("fault", "text"),
    ("fault_column", "text"),
    ("subject_home", "int"),
    ("bill_account_id", "int"),
    ("kind", "text"),
    ("source_key", "text"),
    ("title", "text"),
    ("period_from", "date"),
    ("period_to", "date"),
    ("deadline", "date"),
    ("amount_fen", "int8"),
    ("late_fee_fen", "int8"),
)
_STAGE: Final = f"""
insert into bill_import_row
  (county_id, town_id, community_id, compound_id, import_id, {bulk.names(_ROW)})
select $1, $2, $3, $4, $5, row.* from unnest({bulk.arrays(_ROW, after=5)}) as row ({bulk.names(_ROW)})
"""  # noqa: S608 - column names of ours only
Staged = tuple[Any, ...]


async def check_batch(uow: UnitOfWork, *, vault: Vault, work: Work, sheet: Sheet, limit: int) -> int:
    """Check the next ``limit`` rows of a file; how many were. At its end the import is ready to be looked at."""
    found = await _in_hand(uow, work)
    if found is None:
        return 0
    start = found.checked
    batch = sheet.rows[start : start + limit]
    read = [understood(sheet.columns, cells) for cells in batch]
    known = await _known(uow, vault, work, [row for row in read if isinstance(row, FileBill)])
    staged = await _held_against(uow, work, [_staged(number, row, known) for number, row in enumerate(read, start + 1)])
    if staged:
        await _stage(uow, found, staged)
    checked, total = start + len(batch), len(sheet.rows)
    values = {
        "total": total,
        "checked": checked,
        "bad": found.bad + sum(row[1] is not None for row in staged),
        "amount_fen": found.amount_fen + sum(row[11] or 0 for row in staged),
        "state": "ready" if checked >= total else "checking",
    }
    await _write(uow, work.import_id, **values)
    return len(batch)


async def _stage(uow: UnitOfWork, found: BillImport, rows: Sequence[Staged]) -> None:
    connection = await uow.session.connection()
    await bulk.fetch(connection, _STAGE, *areas(found).values(), found.id, *bulk.transposed(_ROW, rows))


async def _write(uow: UnitOfWork, import_id: int, **values: Any) -> None:
    changed = update(BillImport).where(BillImport.id == import_id).values(**values)
    await uow.session.execute(changed.execution_options(synchronize_session=False))


@dataclass(slots=True)
class _Known:
    """What rows are held against. keys: natural keys that rows before had; more are added as rows are taken."""

    homes: Mapping[Address, int]
    accounts: Mapping[bytes, tuple[int, int]]
    keys: set[str]
    vault: Vault


async def _known(uow: UnitOfWork, vault: Vault, work: Work, rows: Sequence[FileBill]) -> _Known:
    session = uow.session
    indexes = {number_index(vault, row.kind, row.account) for row in rows if row.account is not None}
    accounts = await session.execute(
        select(BillAccount.number_index, BillAccount.id, BillAccount.home_id).where(
            BillAccount.compound_id == work.compound_id,
            BillAccount.number_index.in_(indexes),
            BillAccount.ended_at.is_(None),
        )
    )
    keys = await session.scalars(
        select(BillImportRow.source_key).where(
            BillImportRow.import_id == work.import_id, BillImportRow.source_key.in_([_key(row) for row in rows])
        )
    )
    homes = await _homes(uow, work.compound_id)
    known = {index: (account, home) for index, account, home in accounts}
    return _Known(homes, known, {key for key in keys if key is not None}, vault)


async def _homes(uow: UnitOfWork, compound_id: int) -> dict[Address, int]:
    """Homes by address; without a unit where building and door say enough."""
    rows = await uow.session.execute(
        select(Building.name, Home.unit, Home.door, Home.id)
        .join(Building, Building.id == Home.building_id)
        .where(Home.compound_id == compound_id)
    )
    found: dict[Address, int] = {}
    doors: dict[Address, list[int]] = {}
    for building, unit, door, home_id in rows:
        found[building, unit, door] = home_id
        doors.setdefault((building, "", door), []).append(home_id)
    return {address: ids[0] for address, ids in doors.items() if len(ids) == 1} | found


def _key(row: FileBill) -> str:
    return f"{row.kind}|{row.entry_id}"


async def _held_against(uow: UnitOfWork, work: Work, staged: Sequence[Staged]) -> list[Staged]:
    """Rows, with a fault where they differ from a bill that is here already."""
    said = {row[6]: Said(row[3], row[11], row[8]) for row in staged if row[1] is None}
    wrong = await differing(uow, work.compound_id, said)
    return [_faulty(row[0], wrong[row[6]]) if row[6] in wrong else row for row in staged]


def _faulty(number: int, wrong: Wrong) -> Staged:
    return (number, str(wrong.fault), wrong.column, *(None,) * 10)


def _staged(number: int, row: FileBill | Wrong, known: _Known) -> Staged:
    if isinstance(row, FileBill):
        home, account, wrong = _whose(row, known)
        if wrong is None and _key(row) in known.keys:
            wrong = Wrong(Fault.REPEATED, "bill_entry_id")
        if wrong is None:
            known.keys.add(_key(row))
            return (
                number, None, None, home, account, str(row.kind), _key(row), row.title, row.period.start,
                row.period.end, row.deadline, row.amount_fen, row.late_fen,
            )  # fmt: skip
        row = wrong
    return _faulty(number, row)


def _whose(row: FileBill, known: _Known) -> tuple[int | None, int | None, Wrong | None]:
    """Home and account of a row: what it names must be there, and must be each other's."""
    home = None if row.address is None else known.homes.get(row.address)
    if row.address is not None and home is None:
        return None, None, Wrong(Fault.UNKNOWN_HOME, "room_address")
    if row.account is None:
        return home, None, None
    found = known.accounts.get(number_index(known.vault, row.kind, row.account))
    if found is None:
        return None, None, Wrong(Fault.UNKNOWN_ACCOUNT, "bill_key")
    account, owner = found
    if home is not None and home != owner:
        return None, None, Wrong(Fault.ACCOUNT_OF_ANOTHER_HOME, "bill_key")
    return owner, account, None


async def apply_batch(uow: UnitOfWork, *, work: Work, limit: int) -> int:
    """Make bills of the next ``limit`` rows; how many rows were done. At its end the file is forgotten."""
    found = await _in_hand(uow, work)
    place = await compound_place(uow, work.compound_id)
    if found is None or place is None:
        return 0
    upto = min(found.total, found.applied + limit)
    rows = await uow.session.execute(
        select(*BillImportRow.__table__.columns)
        .where(BillImportRow.import_id == work.import_id, BillImportRow.fault.is_(None))
        .where(BillImportRow.number > found.applied, BillImportRow.number <= upto)
        .order_by(BillImportRow.number)
    )
    bills = {row.number: _bill(row) for row in rows}
    today, new = local_day(uow.now, place.timezone), list(bills.values())
    made = await issue(uow, compound_id=work.compound_id, source=BillSource.IMPORT, bills=new, today=today)
    left = {number: bill for number, bill in bills.items() if bill.source_key not in made}
    wrong = await _came_before(uow, found, left)
    duplicate = found.duplicate + len(bills) - len(made) - wrong
    values: dict[str, Any] = {"applied": upto, "duplicate": duplicate, "bad": found.bad + wrong}
    if upto >= found.total:
        values |= {"state": "done", "content": None, "finished_at": uow.now}
        rest = delete(BillImportRow).where(BillImportRow.import_id == work.import_id, BillImportRow.fault.is_(None))
        await uow.session.execute(rest)
        said = {"rows": found.total, "bad": found.bad + wrong, "duplicate": duplicate}
        uow.record("bill_import.applied", "BillImport", work.import_id, where=found, details=said)
    done = upto - found.applied
    await _write(uow, work.import_id, **values)
    return done


async def _came_before(uow: UnitOfWork, found: BillImport, left: Mapping[int, NewBill]) -> int:
    """Of rows whose bill was there before: how many differ from it since they were checked; that is their fault now."""
    said = {new.source_key: Said(new.home_id, new.amount_fen, new.period_from) for new in left.values()}
    wrong = await differing(uow, found.compound_id, said)
    faulty = [_faulty(number, wrong[new.source_key]) for number, new in left.items() if new.source_key in wrong]
    if faulty:
        rows = delete(BillImportRow).where(
            BillImportRow.import_id == found.id, BillImportRow.number.in_([row[0] for row in faulty])
        )
        await uow.session.execute(rows)
        await _stage(uow, found, faulty)
    return len(faulty)


def _bill(row: Any) -> NewBill:
    line = {"title": row.title, "amount_fen": row.amount_fen}
    return NewBill(
        row.subject_home,
        BillKind(row.kind),
        row.source_key,
        row.title,
        row.period_from,
        row.period_to,
        row.amount_fen,
        DueTerms(row.deadline),
        (line,),
        row.bill_account_id,
        row.late_fee_fen,
    )
