"""``zhian bills``: files of bills from the command line, checked and applied as the worker does it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from sqlalchemy import select

from cli.opened import opened
from cli.running import DATA_DIR, DataDir, complain, fail, settings_for
from domain.community.bills.imports import service
from domain.community.bills.imports.faults import said
from domain.community.bills.imports.queries import fault_page, imports_by_id
from domain.estate.models import Area
from domain.kernel.actor import Actor, Scope, system_actor
from domain.kernel.money import yuan_of
from domain.kernel.uow import AnyRow, Database
from integrations.identity.vault import EnvelopeVault
from integrations.settings import Settings
from integrations.sheets import MOST_BYTES, format_of
from workers.bills import BillImports
from workers.schedule import everything

app = typer.Typer(no_args_is_help=True, help="Files of bills: check and import them.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and no progress.")]
SHOWN = 20
FAULTY = 1
AT_WORK = ("checking", "applying")
PAUSE = 0.2


@app.callback()
def bills() -> None:
    """Files of bills: check and import them."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A compound, and who acts on it."""

    id: int
    actor: Actor


@app.command("import")
def imported(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX, a bill a row.")],
    compound: Annotated[str, typer.Option(help="The compound's id or name.")],
    check: Annotated[bool, typer.Option("--check", help="Only check the file.")] = False,
    skip_faulty: Annotated[bool, typer.Option("--skip-faulty", help="Import the rows without faults.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Check a file and make bills of its rows, each once. Ends with status 1 when rows have faults and were not to be
    left out: then nothing is imported."""
    content = file.read_bytes()
    if len(content) > MOST_BYTES:
        raise fail("TOO_LARGE", f"a file has at most {MOST_BYTES} bytes")
    settings = settings_for(data_dir)
    told = asyncio.run(_import(settings, file.name, content, compound, check, skip_faulty, quiet=as_json))
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _show(told)
    if told["state"] not in ("done", "ready"):
        raise typer.Exit(FAULTY)


@app.command()
def compounds(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Show the number of each compound: what its folder in ZHIAN_BILL_INBOX is called."""
    rows = asyncio.run(_compounds(settings_for(data_dir)))
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        Console(soft_wrap=True).print(f"{row['compound']:>9}  {row['name']}")


async def _compounds(settings: Settings) -> list[dict[str, Any]]:
    async with opened(settings) as found, found.database.reader(await everything(found.database)) as reader:
        rows = await reader.rows(select(Area.id, Area.name).where(Area.level == "compound").order_by(Area.id))
    return [{"compound": row.id, "name": row.name} for row in rows]


async def _import(
    settings: Settings, name: str, content: bytes, compound: str, check: bool, skip: bool, *, quiet: bool
) -> dict[str, Any]:
    async with opened(settings) as found:
        database, vault = found.database, found.vault
        place = await _compound(database, compound)
        form = format_of(content)
        async with database.unit_of_work(place.actor) as uow:
            import_id = await service.upload(
                uow, vault=vault, compound_id=place.id, name=name, form=form, content=content
            )
            await service.start(uow, import_id=import_id)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(file=sys.stderr), disable=quiet) as progress:
            row = await _work(database, vault, place, import_id, progress)
            if row.state == "ready" and not check and (skip or not row.bad):
                async with database.unit_of_work(place.actor) as uow:
                    await service.confirm(uow, import_id=import_id, skip_faulty=skip)
                row = await _work(database, vault, place, import_id, progress)
        told = await _told(database, place, row)
        if row.state != "done":
            async with database.unit_of_work(place.actor) as uow:
                await service.cancel(uow, import_id=import_id)
            if row.state == "ready" and row.bad and not check:
                told["state"] = "faulty"
        return told


async def _compound(database: Database, wanted: str) -> _Found:
    by = Area.id == int(wanted) if wanted.isdecimal() else Area.name == wanted
    async with database.reader(await everything(database)) as reader:
        rows = await reader.rows(select(Area.id).where(Area.level == "compound", by))
    if len(rows) != 1:
        raise fail("NO_COMPOUND", f"{len(rows)} compounds are called {wanted}; give its id")
    return _Found(rows[0].id, system_actor(Scope(compounds=(rows[0].id,))))


async def _row(database: Database, place: _Found, import_id: int) -> AnyRow:
    async with database.reader(place.actor.scope) as reader:
        return (await imports_by_id(reader, place.actor, [import_id]))[0]


async def _work(database: Database, vault: EnvelopeVault, place: _Found, import_id: int, progress: Progress) -> AnyRow:
    """Work until the import waits for nobody but us; a worker that runs beside may do some of it."""
    worker = BillImports(database, vault)
    row = await _row(database, place, import_id)
    bar = progress.add_task(row.state)
    while row.state in AT_WORK:
        if await worker.step() is None:
            await asyncio.sleep(PAUSE)
        row = await _row(database, place, import_id)
        done = row.applied if row.applied else row.checked
        progress.update(bar, total=row.total or None, completed=done)
    return row


async def _told(database: Database, place: _Found, row: AnyRow) -> dict[str, Any]:
    async with database.reader(place.actor.scope) as reader:
        faults = await fault_page(reader, place.actor, import_id=row.id, first=SHOWN, after=None)
    return {
        "state": row.state,
        "rows": row.total,
        "bad": row.bad,
        "applied": row.applied,
        "duplicate": row.duplicate,
        "amount_yuan": yuan_of(row.amount_fen),
        "failure": row.fault,
        "faults": [
            {"row": fault.id, "column": fault.fault_column, "code": fault.fault, "said": said(fault.fault, "en")}
            for fault in faults.items
        ],
    }


def _show(told: dict[str, Any]) -> None:
    console = Console()
    if told["failure"]:
        complain(*told["failure"].split(": ", 1)) if ": " in told["failure"] else complain(told["failure"], "")
        return
    console.print(
        f"{told['state']}: {told['rows']} rows, {told['amount_yuan']} yuan; {told['bad']} with faults,"
        f" {told['duplicate']} there before"
    )
    if told["faults"]:
        table = Table("row", "column", "code", "what", box=None)
        for fault in told["faults"]:
            table.add_row(str(fault["row"]), fault["column"], fault["code"], fault["said"])
        console.print(table)
