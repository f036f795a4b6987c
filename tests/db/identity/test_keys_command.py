"""``zhian keys`` on a database: what it lists, rotates and erases."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from cli.keys import app
from integrations.identity.signing import SigningKeys
from integrations.identity.vault import open_vault
from integrations.identity.wrapping import WrappingKeys
from integrations.postgres import create_engine
from tests.factories.database import at
from tests.factories.servers import Servers

PLACE = "t|c|1"


async def with_vault(folder: Path, url: str, sealed: bytes | None = None) -> Any:
    """A value of compound 7 sealed, or ``sealed`` opened, by a process that starts now."""
    engine = create_engine(url)
    try:
        vault = await open_vault(folder, engine)
        if sealed is not None:
            return await vault.open(sealed, PLACE, area=7)
        await vault.ready((7,))
        return vault.seal("plain", PLACE, area=7)
    finally:
        await engine.dispose()


@pytest.fixture
def keys(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZHIAN_DATABASE_URL", database_url)
    SigningKeys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def sealed(keys: Path, database_url: str, servers: Servers) -> bytes:
    """A value of compound 7, "示例苑"."""

    async def compound() -> None:
        connection = await asyncpg.connect(at(servers.superuser_url, urlsplit(database_url).path.strip("/")))
        await connection.execute(
            "insert into area (id, level, path, name, county_id) values (1, 'county', '1', 'A', 1)"
        )
        await connection.execute(
            "insert into area (id, level, parent_id, path, name, kind, county_id, town_id, community_id, compound_id)"
            " values (7, 'compound', 1, '1.7', '示例苑', 'closed', 1, 2, 3, 7)"
        )
        await connection.close()

    asyncio.run(compound())
    value: bytes = asyncio.run(with_vault(keys, database_url))
    return value


def run(folder: Path, *arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data-dir", str(folder.parent)], input=answer, terminal_width=200)


def told(folder: Path, *arguments: str) -> Any:
    said = run(folder, *arguments, "--json")
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def data(folder: Path) -> list[tuple[str, str, str]]:
    """Data keys as they are listed: name, what each does, what wraps it."""
    return [(k["id"], k["does"], k["under"]) for k in told(folder, "list")["keys"] if k["kind"] == "data"]


def test_data_keys_are_listed_rotated_and_wrapped_anew(keys: Path, sealed: bytes, database_url: str) -> None:
    assert data(keys) == [("no compound/1", "seals", "1"), ("compound 7/1", "seals", "1")]
    assert told(keys, "rotate-kek") == {"key": "2", "data_keys": 2}
    assert told(keys, "rotate-data", "--compound", "7") == {"data_keys": 1}
    assert told(keys, "rotate-data") == {"data_keys": 2}
    assert data(keys) == [
        ("no compound/1", "opens", "2"),
        ("no compound/2", "seals", "2"),
        ("compound 7/1", "opens", "2"),
        ("compound 7/2", "opens", "2"),
        ("compound 7/3", "seals", "2"),
    ]
    assert asyncio.run(with_vault(keys, database_url, sealed)) == "plain"
    assert "NO_DATA_KEY" in run(keys, "rotate-data", "--compound", "8").output


def test_erasing_asks_first_and_is_for_good(keys: Path, sealed: bytes, database_url: str) -> None:
    refused = run(keys, "erase", "--compound", "7", answer="n\n")
    assert (refused.exit_code, "示例苑" in refused.output) == (1, True)
    assert asyncio.run(with_vault(keys, database_url, sealed)) == "plain"

    assert run(keys, "erase", "--compound", "7", answer="y\n").exit_code == 0
    assert data(keys) == [("no compound/1", "seals", "1"), ("compound 7/1", "nothing", "1")]
    with pytest.raises(LookupError):
        asyncio.run(with_vault(keys, database_url, sealed))
    assert told(keys, "erase", "--compound", "7", "--yes") == {"data_keys": 0}


def test_what_is_no_compound_is_not_erased(keys: Path, sealed: bytes) -> None:
    for number in ("1", "8"):
        said = run(keys, "erase", "--compound", number, "--yes")
        assert (said.exit_code, "NO_COMPOUND" in said.output) == (2, True)
    assert run(keys, "erase", "--compound", "0", "--yes").exit_code == 2


def test_another_deployments_keys_rotate_nothing(keys: Path, sealed: bytes) -> None:
    (keys / "vault.json").unlink()
    WrappingKeys(keys)
    before = (keys / "vault.json").read_bytes()

    said = run(keys, "rotate-kek")

    assert (said.exit_code, "WRONG_KEY_FILE" in said.output) == (2, True)
    assert (keys / "vault.json").read_bytes() == before
    assert [name for name, _, under in data(keys) if under != "1"] == []


def test_a_database_that_is_away_is_said_and_no_key_is_made(
    keys: Path, sealed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    before = (keys / "vault.json").read_bytes()

    said = run(keys, "rotate-kek")

    assert (said.exit_code, "DATABASE_AWAY" in said.output) == (2, True)
    assert (keys / "vault.json").read_bytes() == before


def test_no_key_is_ever_printed(keys: Path, sealed: bytes) -> None:
    said = [run(keys, c, *j).output for c in ("rotate-kek", "rotate-data", "list") for j in ((), ("--json",))]
    secrets = json.loads((keys / "vault.json").read_text())
    for text in said:
        assert not [key for key in [*secrets["keys"].values(), secrets["index"]] if key.rstrip("=") in text]
