"""``zhian estate``: the county as its register names it, from a file; and what there is."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from cli.opened import Opened, opened
from cli.running import DATA_DIR, DataDir, fail, settings_for
from domain.estate import service
from domain.estate.models import Area, Home
from domain.estate.register.rules import Register, columns_of, read
from domain.estate.register.service import AnotherCounty, Made, known_counties, make
from domain.kernel.actor import NOTHING, Scope, system_actor
from domain.kernel.errors import DomainError
from integrations.settings import Settings
from integrations.sheets import MOST_BYTES, Unreadable, format_of, rows_of
from workers.schedule import everything

app = typer.Typer(no_args_is_help=True, help="The county, its areas, buildings and homes: from a file.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
MOST_ROWS = 300_000
SHOWN = 20
FAULTY = 1


class _OnlyChecked(Exception):
    """Ends the unit of work without a commit."""

    def __init__(self, made: Made) -> None:
        self.made = made
        super().__init__()


@app.callback()
def estate() -> None:
    """The county, its areas, buildings and homes: from a file."""


@app.command("import")
def imported(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX, a home (or an area) a row.")],
    check: Annotated[bool, typer.Option("--check", help="Only say what would be made.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Make what the file names and is not there. All or nothing; again is harmless.

    Columns: county, town, community, compound, kind, timezone, building, unit, door
    (县、镇、社区、小区、类型、时区、楼栋、单元、门牌)."""
    register, faults = read_register(file)
    told: dict[str, Any] = {"made": {}, "there": 0, "faults": faults}
    if not faults:
        try:
            told |= asdict(asyncio.run(register_all(settings_for(data_dir), register, check=check)))
        except DomainError as error:
            raise fail(error.code, error.message("en")) from None
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _show(told, check=check)
    if faults:
        raise typer.Exit(FAULTY)


@app.command()
def show(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Every area with its number and how many homes stand in it."""
    rows = asyncio.run(_areas(settings_for(data_dir)))
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not rows:
        print("there is no area yet: zhian estate import FILE")
        return
    table = Table("number", "area", "level", "homes", box=None)
    for row in rows:
        table.add_row(str(row["id"]), "  " * row["depth"] + row["name"], row["level"], str(row["homes"]))
    Console(soft_wrap=True).print(table)


def read_register(file: Path) -> tuple[Register, list[dict[str, Any]]]:
    """The places a file names, and its faulty rows. Exits with a code where it cannot be read."""
    content = file.read_bytes()
    if len(content) > MOST_BYTES:
        raise fail("TOO_LARGE", f"a file has at most {MOST_BYTES} bytes; give one for each town")
    try:
        rows = rows_of(content, form=format_of(content), most=MOST_ROWS)
    except Unreadable:
        raise fail("BAD_SHEET", "the file is no CSV (UTF-8 or GB18030) or XLSX that can be read") from None
    except OverflowError:
        raise fail("TOO_MANY_ROWS", f"a file has at most {MOST_ROWS} rows") from None
    columns = columns_of(rows[0] if rows else ())
    if isinstance(columns, list):
        raise fail("MISSING_COLUMNS", f"columns are missing: {', '.join(columns)}")
    register, wrong = read(rows[1:], columns)
    return register, [
        {"row": each.row, "column": each.column, "code": str(each.fault), "message": each.fault.words} for each in wrong
    ]


async def register_all(settings: Settings, register: Register, *, check: bool) -> Made:
    """What was made; with ``check`` what would have been. Raises NotFound."""
    async with opened(settings) as found:
        while True:
            scope = await everything(found.database)
            drawn = await _drawn(found, register, scope)
            everywhere = system_actor(Scope(counties=(*scope.counties, *drawn.values())))
            try:
                async with found.database.unit_of_work(everywhere) as uow:
                    made = await make(uow, register, counties=drawn | await known_counties(uow))
                    if check:
                        raise _OnlyChecked(made)
                return made
            except AnotherCounty:
                continue
            except _OnlyChecked as checked:
                return checked.made


async def _drawn(found: Opened, register: Register, scope: Scope) -> dict[str, int]:
    """Ids for the counties that are not there yet, by name: a scope names them before they are written."""
    async with found.database.reader(scope) as reader:
        there = {row.name for row in await reader.rows(select(Area.name).where(Area.level == "county"))}
    new = [path[0] for path in register.areas if len(path) == 1 and path[0] not in there]
    async with found.database.unit_of_work(system_actor(NOTHING)) as uow:
        return {name: await service.next_area_id(uow) for name in new}


async def _areas(settings: Settings) -> list[dict[str, Any]]:
    homes = select(func.count(Home.id)).where(Home.compound_id == Area.id).correlate(Area).scalar_subquery()
    query = select(Area.id, Area.name, Area.level, func.nlevel(Area.path).label("depth"), homes.label("homes"))
    async with opened(settings) as found, found.database.reader(await everything(found.database)) as reader:
        rows = await reader.rows(query.order_by(Area.path))
    return [
        {"id": row.id, "name": row.name, "level": row.level, "depth": row.depth - 1, "homes": row.homes} for row in rows
    ]


def _show(told: dict[str, Any], *, check: bool) -> None:
    console = Console(soft_wrap=True)
    for fault in told["faults"][:SHOWN]:
        words = " / ".join(fault["message"].values())
        console.print(f"row {fault['row']}, {fault['column']}: {fault['code']} {words}", markup=False)
    if told["faults"]:
        console.print(f"{len(told['faults'])} rows have faults; nothing was made")
        return
    made = ", ".join(f"{count} {level}" for level, count in told["made"].items() if count) or "nothing"
    console.print(f"{'would make' if check else 'made'} {made}; {told['there']} were there")
