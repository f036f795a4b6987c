"""``zhian audit`` on a database: what it verifies, lists and exports."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from cli import keys as keys_command
from cli.audit.command import app
from domain.identity.audit.watching import subject_index
from domain.kernel.acts import Act
from domain.kernel.uow import Database
from integrations.identity.audit import AuditKeys, HeadFiles
from integrations.identity.signing import SigningKeys
from integrations.identity.vault import open_vault
from integrations.postgres import create_engine
from integrations.settings import read_settings
from tests.db.audit.kit import SOMEBODY, Where, acted
from tests.factories.database import at
from tests.factories.servers import Servers
from workers.audit import signing


@pytest.fixture
def folder(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory whose log has four entries of compound 7 and one of compound 8."""
    monkeypatch.setenv("ZHIAN_DATABASE_URL", database_url)

    async def write() -> None:
        engine = create_engine(database_url)
        try:
            await acted(engine, 4)
            await acted(engine, 1, chain=8)
        finally:
            await engine.dispose()

    asyncio.run(write())
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data-dir", str(folder)], terminal_width=200)


def sql(servers: Servers, url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(at(servers.superuser_url, urlsplit(url).path.strip("/")))
        await connection.execute("set session_replication_role = replica")
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute())


def sign(folder: Path, url: str) -> int:
    """What the worker's step does."""
    settings = read_settings({"ZHIAN_DATA_DIR": str(folder), "ZHIAN_DATABASE_URL": url})

    async def step() -> int:
        engine = create_engine(url)
        try:
            return await signing(settings).run(Database(engine))
        finally:
            await engine.dispose()

    return asyncio.run(step())


def test_a_sound_log_ends_with_0_and_says_what_was_walked(folder: Path, database_url: str) -> None:
    said = run(folder, "verify")
    assert said.exit_code == 0, said.output
    assert "2 chains, 5 rows, 0 findings; 5 rows not signed yet" in said.stdout
    assert not (folder / "keys" / "audit.json").exists()
    assert sign(folder, database_url) == 2
    assert "0 findings; 0 rows not signed yet" in run(folder, "verify").stdout


def test_a_changed_row_ends_with_1_and_is_named(folder: Path, servers: Servers, database_url: str) -> None:
    sql(servers, database_url, "update audit_entry set action = 'x' where chain = 7 and sequence = 2")
    said = run(folder, "verify")
    assert said.exit_code == 1
    assert "chain 7, row 2: changed" in said.stdout
    assert run(folder, "verify", "--compound", "8").exit_code == 0
    told = json.loads(run(folder, "verify", "--json").stdout)
    assert [(f["kind"], f["first"]) for c in told["chains"] for f in c["findings"]] == [("changed", 2)]


def test_the_worker_signs_what_has_grown_into_the_database_and_a_file(folder: Path, database_url: str) -> None:
    assert sign(folder, database_url) == 2
    assert sign(folder, database_url) == 0
    (file,) = (folder / "audit").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(said["chain"], said["sequence"]) for said in written] == [(7, 4), (8, 1)]
    assert [(s.chain, s.sequence) for s in HeadFiles(folder / "audit").read()] == [(7, 4), (8, 1)]


def test_a_cut_off_end_is_told_by_the_file_when_the_database_forgot(
    folder: Path, servers: Servers, database_url: str, tmp_path: Path
) -> None:
    sign(folder, database_url)
    (file,) = (folder / "audit").iterdir()
    taken = file.rename(tmp_path / "taken-away.jsonl")
    sql(servers, database_url, "delete from audit_signature; delete from audit_entry where sequence > 2")
    sql(
        servers,
        database_url,
        "update audit_head h set sequence = 2, hash = e.hash from audit_entry e"
        " where h.chain = 7 and e.chain = 7 and e.sequence = 2",
    )
    assert run(folder, "verify").exit_code == 0
    said = run(folder, "verify", "--heads", str(taken))
    assert said.exit_code == 1
    assert "chain 7, rows 3 to 4: truncated" in said.stdout
    taken.rename(file)
    assert run(folder, "verify").exit_code == 1


def test_signatures_of_a_retired_key_stay_good_and_those_of_a_stranger_do_not(
    folder: Path, database_url: str, servers: Servers
) -> None:
    SigningKeys(folder / "keys")
    sign(folder, database_url)
    asyncio.run(_vaulted(folder, database_url))
    rotated = CliRunner().invoke(keys_command.app, ["rotate-audit", "--json", "--data-dir", str(folder)])
    assert rotated.exit_code == 0, rotated.output
    assert "retired_at" in (folder / "keys" / "audit.json").read_text()
    assert sign(folder, database_url) == 1  # the rotation stands in the log
    assert run(folder, "verify").exit_code == 0
    (folder / "keys" / "audit.json").unlink()
    AuditKeys(folder / "keys").sign(b"")
    said = run(folder, "verify")
    assert said.exit_code == 1
    assert "row 4: forged" in said.stdout


async def _vaulted(folder: Path, url: str) -> None:
    engine = create_engine(url)
    await open_vault(folder / "keys", engine)
    await engine.dispose()


def test_a_file_of_heads_that_cannot_be_read_is_refused(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"chain": 1}\n\n')
    for name in (bad, tmp_path / "none.jsonl"):
        said = run(folder, "verify", "--heads", str(name))
        assert (said.exit_code, "BAD_HEADS" in said.output) == (2, True)


def test_entries_are_listed_newest_first_by_what_is_asked(folder: Path, database_url: str) -> None:
    def numbers(*arguments: str) -> list[tuple[int, int]]:
        said = run(folder, "list", "--json", *arguments)
        assert said.exit_code == 0, said.output
        return [(row["chain"], row["sequence"]) for row in json.loads(said.stdout)]

    assert numbers() == [(8, 1), (7, 4), (7, 3), (7, 2), (7, 1)]
    assert numbers("--first", "2", "--compound", "7") == [(7, 4), (7, 3)]
    assert numbers("--account", "5", "--action", "alert.assigned", "--first", "1") == [(8, 1)]
    assert numbers("--account", "6") == numbers("--until", "2020-01-01") == []
    assert len(numbers("--since", "2020-01-01")) == 5
    assert "Assigned an alert" in run(folder, "list").stdout


def test_look_ups_of_a_plate_and_refusals_of_a_phone_are_found_by_blind_indexes(
    folder: Path, database_url: str
) -> None:
    async def look() -> None:
        engine = create_engine(database_url)
        vault = await open_vault(folder / "keys", engine)
        seen = Act(
            "sighting.searched",
            "Sighting",
            None,
            Where(),
            details={"subject": subject_index(vault, "plate", "浙A12345")},
        )
        refused = Act("session.refused", details={"subject": subject_index(vault, "phone", "+8613800000000")})
        await Database(engine).record(SOMEBODY, [seen, refused])
        await engine.dispose()

    asyncio.run(look())
    said = json.loads(run(folder, "list", "--json", "--subject", "plate:浙a·12345").stdout)
    assert [row["action"] for row in said] == ["sighting.searched"]
    assert "12345" not in json.dumps(said, ensure_ascii=False).replace(said[0]["details"]["subject"], "")
    assert json.loads(run(folder, "list", "--json", "--subject", "plate:浙A12346").stdout) == []
    (said,) = json.loads(run(folder, "list", "--json", "--subject", "phone:138 0000 0000").stdout)
    assert said["action"] == "session.refused"
    for nothing in ("cat:1", "phone:x"):
        assert run(folder, "list", "--subject", nothing).exit_code == 2


def test_an_export_can_be_verified_without_us(folder: Path) -> None:
    said = run(folder, "export", "--compound", "7")
    assert said.exit_code == 0
    before = bytes(32)
    for line in said.stdout.split("\n")[:-1]:
        told = json.loads(line)
        hashed = line.partition(',"previous"')[0] + "}"
        assert told["previous"] == before.hex()
        before = hashlib.sha256(before + hashed.encode()).digest()
        assert told["hash"] == before.hex()
    assert told["sequence"] == 4


def test_an_export_by_time_and_as_csv(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "log.csv"
    said = run(folder, "export", "--format", "csv", "--out", str(out))
    assert said.exit_code == 0, said.output
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8"))))
    assert [(row["chain"], row["sequence"], row["homes"]) for row in rows][-1] == ("8", "1", "11 12")
    assert json.loads(rows[0]["details"])["account"] == 1
    tomorrow = f"{Database(create_engine('postgresql://x/y')).clock() + timedelta(days=1):%Y-%m-%d}"
    assert run(folder, "export", "--since", tomorrow).stdout == ""


def test_where_there_is_no_database_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIAN_DATABASE_URL", "postgresql://x:y@127.0.0.1:1/none")
    said = run(tmp_path, "verify")
    assert (said.exit_code, "DATABASE_AWAY" in said.output) == (2, True)
