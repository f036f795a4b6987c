"""``zhian bills import``: a file from a terminal, checked and applied, or refused with its faults."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.bills import app
from domain.kernel.uow import Database
from integrations.identity.vault import open_vault
from integrations.postgres import create_engine
from tests.factories.world import World

HEAD = "账单编号,类别,账期,金额,截止日期,地址\n"
GOOD = "1,物业费,2026-10,120.50,2026-11-30,a111 1栋/1/1\n"
BAD = "2,物业费,2026-13,1,2026-11-30,a111 1栋/1/1\n"


@pytest.fixture(autouse=True)
def compound(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Compound a111, on a loop of its own: the command runs one too."""
    monkeypatch.setenv("ZHIAN_DATABASE_URL", database_url)
    monkeypatch.setenv("ZHIAN_DATA_DIR", str(tmp_path / "data"))

    async def build() -> int:
        engine = create_engine(database_url)
        try:
            vault = await open_vault(tmp_path / "data" / "keys", engine)
            return (await World(Database(engine), vault).build("a111")).areas["a111"]
        finally:
            await engine.dispose()

    return asyncio.run(build())


def run(tmp_path: Path, text: str, *options: str) -> Result:
    file = tmp_path / "bills.csv"
    file.write_text(HEAD + text)
    return CliRunner().invoke(app, ["import", str(file), "--compound", "a111", *options])


def told(done: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_file_becomes_bills_and_a_second_time_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD, "--json")
    assert (done.exit_code, told(done)["state"], told(done)["applied"], told(done)["duplicate"]) == (0, "done", 1, 0)
    assert told(run(tmp_path, GOOD, "--json"))["duplicate"] == 1


def test_a_file_with_faults_makes_none_unless_they_may_be_left_out(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD + BAD, "--json")
    assert (done.exit_code, told(done)["state"]) == (1, "faulty")
    fault = {"row": 2, "column": "acct_period", "code": "BAD_PERIOD", "said": "A period is a month, like 2026-10"}
    assert told(done)["faults"] == [fault]
    shown = run(tmp_path, GOOD + BAD)
    assert shown.exit_code == 1
    assert "BAD_PERIOD" in shown.stdout
    checked = run(tmp_path, GOOD, "--check", "--json")
    assert (checked.exit_code, told(checked)["state"]) == (0, "ready")
    done = run(tmp_path, GOOD + BAD, "--skip-faulty", "--json")
    assert (done.exit_code, told(done)["state"], told(done)["duplicate"]) == (0, "done", 0)  # the first made none


def test_what_cannot_be_read_or_is_for_no_compound_is_refused(tmp_path: Path, compound: int) -> None:
    file = tmp_path / "bills.xlsx"
    file.write_bytes(b"PK\x03\x04")
    done = CliRunner().invoke(app, ["import", str(file), "--compound", str(compound)])
    assert done.exit_code == 1
    assert "BAD_SHEET" in done.stderr
    done = CliRunner().invoke(app, ["import", str(file), "--compound", "nowhere"])
    assert done.exit_code == 2
    assert "NO_COMPOUND" in done.stderr


def test_each_compounds_number_is_shown(compound: int) -> None:
    told = CliRunner().invoke(app, ["compounds", "--json"])
    assert json.loads(told.stdout) == [{"compound": compound, "name": "a111"}]
    assert CliRunner().invoke(app, ["compounds"]).stdout == f"{compound:>9}  a111\n"
