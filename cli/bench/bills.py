"""`zhian bench bills`: 50,000 bills from a file to charges, against COPY of the same rows in the same run.

The limit is COPY of the bills, charges and ledger entries that the import has made into tables of the same shape and
indexes, by a superuser without row-level security, 2,000 rows a commit. What we are below it is the price of reading
and checking each row, of natural keys, of staging it so that nothing is lost or made twice, and of tenancy.
"""

from __future__ import annotations

import csv
import io
import time
from typing import Any, Final

import asyncpg
from openpyxl import Workbook
from sqlalchemy import make_url

from cli.bench.report import Result, at_least, at_most, told
from cli.bench.stage import Stage, stage
from domain.community.bills.imports import service
from domain.kernel.actor import Scope, system_actor
from integrations.sheets import format_of
from workers.bills import BillImports, sheet_of

BILLS: Final = 50_000
HOMES: Final = 2_000
COPY_ROWS: Final = 2_000
SECONDS_GOAL: Final = 60.0
COPY_GOAL: Final = 0.08
HEAD: Final = ("bill_entry_id", "cost_type", "acct_period", "bill_entry_amount", "deadline", "room_address")
TABLES: Final = ("bill", "charge", "ledger_entry")


def rows(count: int) -> list[tuple[str, ...]]:
    """So many bills, of two thousand homes in turn."""
    return [
        (f"B{n:06d}", "物业费", f"2026-{n // HOMES % 12 + 1:02d}", f"{100 + n % 97}.{n % 100:02d}", "2026-12-31",
         f"1号楼/1/{n % HOMES + 1}")
        for n in range(count)
    ]  # fmt: skip


def as_csv(count: int) -> bytes:
    """The bills as offices export them."""
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, *rows(count)])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(count: int) -> bytes:
    """The same as a workbook."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (HEAD, *rows(count)):
        sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


async def measure(*, quick: bool) -> list[Result]:
    """All figures of one run."""
    count = 10_000 if quick else BILLS
    async with stage(devices=0) as built:
        superuser = await asyncpg.connect(
            make_url(built.superuser_url).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        try:
            await _people(superuser, built)
            checking, applying = await _import(built, as_csv(count))
            made = await superuser.fetchval("select count(*) from bill join charge on charge.id = bill.charge_id")
            if made != count:
                raise RuntimeError(f"{made} bills were made of {count} rows")
            copied = count / await _copy(superuser)
        finally:
            await superuser.close()
    packed = as_xlsx(count)
    started = time.perf_counter()
    await sheet_of(packed, form=format_of(packed))
    unpacking = time.perf_counter() - started
    whole = checking + applying
    limit = ("COPY of the same rows, bills/s", copied)
    return [
        at_most("import", whole, "s", SECONDS_GOAL * count / BILLS),
        at_least("rate", count / whole, "bills/s", limit, COPY_GOAL),
        told("checking", checking, "s"),
        told("applying", applying, "s"),
        told("copy", copied, "bills/s"),
        told("xlsx", unpacking, "s to read the same rows as XLSX"),
    ]


async def _people(superuser: asyncpg.Connection, built: Stage) -> None:
    place = (built.county, built.county + 1, built.county + 2, built.compounds[0])
    areas = "county_id, town_id, community_id, compound_id"
    building = await superuser.fetchval(
        f"insert into building ({areas}, name) values ($1, $2, $3, $4, '1号楼') returning id",  # noqa: S608 - names of columns
        *place,
    )
    await superuser.execute(
        f"insert into home ({areas}, building_id, unit, door)"  # noqa: S608 - names of columns
        " select $1, $2, $3, $4, $5, '1', n::text from generate_series(1, $6::int) n",
        *place,
        building,
        HOMES,
    )


async def _import(built: Stage, content: bytes) -> tuple[float, float]:
    """Seconds of checking and of applying a file, as the worker does it."""
    vault, compound = await built.vault(), built.compounds[0]
    actor = system_actor(Scope(compounds=(compound,)))
    worker = BillImports(built.database, vault)
    async with built.database.unit_of_work(actor) as uow:
        made = await service.upload(
            uow, vault=vault, compound_id=compound, name="bench.csv", form=format_of(content), content=content
        )
        await service.start(uow, import_id=made)
    started = time.perf_counter()
    await worker.drain()
    checked = time.perf_counter()
    async with built.database.unit_of_work(actor) as uow:
        await service.confirm(uow, import_id=made)
    await worker.drain()
    return checked - started, time.perf_counter() - checked


async def _copy(superuser: asyncpg.Connection) -> float:
    """Seconds to COPY what the import has made into copies of its tables."""
    rows_of: dict[str, tuple[list[str], list[Any]]] = {}
    for table in TABLES:
        await superuser.execute(f"create table bench_{table} (like {table} including all)")
        found = await superuser.fetch(f"select * from {table}")  # noqa: S608 - one of ours
        rows_of[table] = (list(found[0].keys()), [tuple(row.values()) for row in found])
    started = time.perf_counter()
    for table, (columns, values) in rows_of.items():
        for start in range(0, len(values), COPY_ROWS):
            chunk = values[start : start + COPY_ROWS]
            async with superuser.transaction():
                await superuser.copy_records_to_table(f"bench_{table}", records=chunk, columns=columns)
    return time.perf_counter() - started
