"""A county from its register, on the command line: made once, whole or not at all, and its first operator."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from cli import estate, people
from integrations.settings import Settings, read_settings

HEAD = "县,镇,社区,小区,类型,楼栋,单元,门牌"
ROWS = [f"青禾县（示例）,甲镇,甲社区,甲苑,封闭,{building}栋,1,{door}" for building in (1, 2) for door in (101, 102)]


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the commands find: a migrated database without a county."""
    site = read_settings({"ZHIAN_DATA_DIR": str(tmp_path / "data"), "ZHIAN_DATABASE_URL": database_url})
    for module in (estate, people):
        monkeypatch.setattr(module, "settings_for", lambda _: site)
    return site


def run(app: Any, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


async def told(path: Path, *words: str) -> dict[str, Any]:
    status, output = await asyncio.to_thread(run, estate.app, "import", str(path), "--json", *words)
    return json.loads(output) | {"status": status}


def written(folder: Path, rows: list[str], head: str = HEAD) -> Path:
    path = folder / "register.csv"
    path.write_text("\n".join([head, *rows]), encoding="gb18030")
    return path


async def counts(superuser: asyncpg.Connection) -> tuple[int, ...]:
    return tuple([await superuser.fetchval(f"select count(*) from {table}") for table in ("area", "building", "home")])


async def test_a_county_is_made_once(settings: Settings, tmp_path: Path, superuser: asyncpg.Connection) -> None:
    path = written(tmp_path, ROWS)
    would = await told(path, "--check")
    assert would["made"] == {"county": 1, "town": 1, "community": 1, "compound": 1, "building": 2, "home": 4}
    assert await counts(superuser) == (0, 0, 0)
    assert (await told(path))["made"] == would["made"]
    assert await counts(superuser) == (4, 2, 4)
    again = await told(written(tmp_path, [*ROWS, "青禾县（示例）,乙镇,,,,,,", f"{ROWS[0][:-3]}103"]))
    assert (again["made"], again["there"]) == (
        {"town": 1, "building": 0, "home": 1},
        4 + 2 + 4,
    )
    home = await superuser.fetchrow("select h.*, a.path::text from home h join area a on a.id = h.compound_id limit 1")
    assert home is not None
    assert home["path"] == ".".join(str(home[name]) for name in ("county_id", "town_id", "community_id", "compound_id"))
    status, output = await asyncio.to_thread(run, estate.app, "show", "--json")
    assert (status, [(row["name"], row["homes"]) for row in json.loads(output)]) == (
        0,
        [("青禾县（示例）", 0), ("甲镇", 0), ("甲社区", 0), ("甲苑", 5), ("乙镇", 0)],
    )


async def test_with_a_fault_nothing_is_made(settings: Settings, tmp_path: Path, superuser: asyncpg.Connection) -> None:
    said = await told(written(tmp_path, [*ROWS, "青禾县（示例）,,甲社区,,,,,"]))
    assert (said["status"], [(each["row"], each["column"], each["code"]) for each in said["faults"]]) == (
        1,
        [(5, "town", "MISSING")],
    )
    assert await counts(superuser) == (0, 0, 0)
    status, output = await asyncio.to_thread(run, estate.app, "import", str(written(tmp_path, [], "镇")))
    assert (status != 0, "MISSING_COLUMNS" in output) == (True, True)


async def test_two_who_import_at_once_make_one_county(
    settings: Settings, tmp_path: Path, superuser: asyncpg.Connection
) -> None:
    register, _ = estate.read_register(written(tmp_path, ROWS))
    at_once = [estate.register_all(settings, register, check=False) for _ in range(3)]
    assert sorted(made.there for made in await asyncio.gather(*at_once)) == [0, 10, 10]
    assert await counts(superuser) == (4, 2, 4)


async def test_the_first_operator_of_a_county(
    settings: Settings, tmp_path: Path, superuser: asyncpg.Connection
) -> None:
    await told(written(tmp_path, ROWS))
    words = ("operator", "--phone", "19900000001", "--name", "示例值班员", "--county")
    status, output = await asyncio.to_thread(run, people.app, *words, "青禾县（示例）")
    granted, code, end = output.split("\n")
    assert (status, granted, end) == (0, "granted", "")
    assert re.fullmatch(r"enrolment code, good once and for 24 hours: [A-Z2-9]{4}(-[A-Z2-9]{4}){5}", code)
    row = await superuser.fetchrow("select g.role, a.level from role_grant g join area a on a.id = g.area_id")
    assert tuple(row or ()) == ("county_operator", "county")
    for wrong in ("无此县", "999999"):
        status, output = await asyncio.to_thread(run, people.app, *words, wrong)
        assert (status != 0, "NOT_FOUND" in output) == (True, True)
    assert await superuser.fetchval("select count(*) from role_grant") == 1
