"""Data keys in the database: first use at once, rotation while processes run, erasure, and who may do it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.identity.ports import KeyErased
from integrations.identity.data_keys import erase_keys, rewrap, rotate_data_keys, stored_keys
from integrations.identity.vault import REFRESH_SECONDS, EnvelopeVault, open_vault
from integrations.identity.wrapping import WrappingKeys, WrongWrappingKey, add_wrapping_key

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PLACE = "t|c|1"


class Ticks:
    """A monotonic clock set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


async def process(folder: Path, engine: AsyncEngine, ticks: Ticks) -> EnvelopeVault:
    """The vault of one more process."""
    vault = EnvelopeVault(engine, WrappingKeys(folder), monotonic=ticks)
    await vault.ready((0,))
    return vault


async def test_one_key_is_made_whoever_comes_first(tmp_path: Path, engine: AsyncEngine, ticks: Ticks) -> None:
    vaults = [await process(tmp_path, engine, ticks) for _ in range(6)]
    await asyncio.gather(*(vault.ready((7, 8)) for vault in vaults for _ in range(3)))

    assert [(key.area_id, key.version) for key in await stored_keys(engine)] == [(0, 1), (7, 1), (8, 1)]
    sealed = [vault.seal("plain", PLACE, area=7) for vault in vaults]
    assert [await vaults[0].open(each, PLACE, area=7) for each in sealed] == ["plain"] * 6


async def test_no_key_stands_in_the_database_in_clear(
    tmp_path: Path, vault: EnvelopeVault, superuser: asyncpg.Connection
) -> None:
    await vault.ready((7,))
    rows = await superuser.fetch("select * from data_key order by area_id")
    assert [(row["area_id"], len(row["wrapped"]), row["kek"]) for row in rows] == [(0, 60, "1"), (7, 60, "1")]
    for row in rows:
        assert WrappingKeys(tmp_path / "keys").index_key not in row["wrapped"]


async def test_a_key_of_another_process_is_found_when_its_value_is_met(
    tmp_path: Path, engine: AsyncEngine, ticks: Ticks
) -> None:
    here, there = [await process(tmp_path, engine, ticks) for _ in range(2)]
    await here.ready((7,))
    assert await there.open(here.seal("plain", PLACE, area=7), PLACE, area=7) == "plain"


async def test_a_new_data_key_is_taken_up_while_processes_run(
    tmp_path: Path, engine: AsyncEngine, owner_engine: AsyncEngine, ticks: Ticks
) -> None:
    here, there = [await process(tmp_path, engine, ticks) for _ in range(2)]
    await here.ready((7, 8))
    await there.ready((7, 8))
    old = here.seal("old", PLACE, area=7)
    assert await rotate_data_keys(owner_engine, WrappingKeys(tmp_path), NOW, area=7) == 1

    assert here.seal("still", PLACE, area=7)[:7] == old[:7]
    ticks.now = REFRESH_SECONDS
    await here.ready((7,))
    new = here.seal("new", PLACE, area=7)
    assert new[:7] != old[:7]
    ticks.now = 0.0  # the other process has not looked again yet
    assert await there.open(new, PLACE, area=7) == "new"
    assert await there.open(old, PLACE, area=7) == "old"
    assert [(key.area_id, key.version, key.retired_at) for key in await stored_keys(engine)] == [
        (0, 1, None),
        (7, 1, NOW),
        (7, 2, None),
        (8, 1, None),
    ]


async def test_all_data_keys_rotate_together_and_one_after_another(
    tmp_path: Path, engine: AsyncEngine, owner_engine: AsyncEngine, vault: EnvelopeVault
) -> None:
    await vault.ready((7,))
    keys = WrappingKeys(tmp_path / "keys")
    made = await asyncio.gather(*(rotate_data_keys(owner_engine, keys, NOW) for _ in range(3)))
    assert made == [2, 2, 2]
    assert [(key.area_id, key.version) for key in await stored_keys(engine)] == [
        (area, version) for area in (0, 7) for version in (1, 2, 3, 4)
    ]


async def test_wrapping_keys_rotate_while_processes_run(
    tmp_path: Path, engine: AsyncEngine, owner_engine: AsyncEngine, ticks: Ticks
) -> None:
    here, there = [await process(tmp_path, engine, ticks) for _ in range(2)]
    await here.ready((7,))
    sealed = here.seal("plain", PLACE, area=7)

    assert add_wrapping_key(tmp_path, NOW) == "2"
    assert await rewrap(owner_engine, WrappingKeys(tmp_path)) == 2
    assert {key.kek for key in await stored_keys(engine)} == {"2"}

    assert await there.open(sealed, PLACE, area=7) == "plain"  # knew neither the key nor what wraps it now
    await here.ready((8,))
    assert {key.kek for key in await stored_keys(engine)} == {"2"}  # a key made now is not under the old one
    late = await process(tmp_path, engine, ticks)
    assert await late.open(sealed, PLACE, area=7) == "plain"
    assert await rewrap(owner_engine, WrappingKeys(tmp_path)) == 0


async def test_an_erased_compound_is_shut_in_every_process_within_a_minute(
    tmp_path: Path, engine: AsyncEngine, owner_engine: AsyncEngine, ticks: Ticks
) -> None:
    here, there = [await process(tmp_path, engine, ticks) for _ in range(2)]
    await here.ready((7, 8))
    await rotate_data_keys(owner_engine, WrappingKeys(tmp_path), NOW, area=7)
    sealed, neighbours = here.seal("plain", PLACE, area=7), here.seal("plain", PLACE, area=8)
    assert await there.open(sealed, PLACE, area=7) == "plain"

    assert await erase_keys(owner_engine, 7, NOW) == 2
    assert await erase_keys(owner_engine, 7, NOW) == 0
    ticks.now = REFRESH_SECONDS
    late = await process(tmp_path, engine, ticks)
    for vault in (here, there, late):
        with pytest.raises(KeyErased):
            await vault.open(sealed, PLACE, area=7)
        assert await vault.open(neighbours, PLACE, area=8) == "plain"
    await here.ready((7,))  # its devices still speak
    assert await late.open(here.seal("new", PLACE, area=7), PLACE, area=7) == "new"
    assert [(key.version, key.wrapped is None) for key in await stored_keys(engine) if key.area_id == 7] == [
        (1, True),
        (2, True),
        (3, False),
    ]


async def test_another_deployments_key_file_is_refused_at_the_start(tmp_path: Path, engine: AsyncEngine) -> None:
    await open_vault(tmp_path / "here", engine)
    with pytest.raises(WrongWrappingKey, match="WRONG_KEY_FILE"):
        await open_vault(tmp_path / "there", engine)


async def test_a_value_under_a_key_that_never_was_is_an_error(
    tmp_path: Path, vault: EnvelopeVault, superuser: asyncpg.Connection
) -> None:
    await vault.ready((7,))
    sealed = vault.seal("plain", PLACE, area=7)
    with pytest.raises(ValueError, match="not there"):
        await vault.open(sealed[:6] + b"\x09" + sealed[7:], PLACE, area=7)


@pytest.mark.parametrize("statement", ["update data_key set wrapped = null", "delete from data_key"])
async def test_the_application_neither_rewrites_nor_deletes_keys(
    engine: AsyncEngine, vault: EnvelopeVault, superuser: asyncpg.Connection, statement: str
) -> None:
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.exec_driver_sql(statement)
    assert await superuser.fetchval("select count(*) from data_key where wrapped is not null") == 1
