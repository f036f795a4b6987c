"""Files that property systems drop into a folder: each is handed to its own compound's office, once, and then gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from domain.identity.ports import Vault
from domain.kernel.uow import Database
from tests.factories.clock import Clock
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.patience import PATIENCE
from tests.factories.world import World
from workers import bill_inbox
from workers.bill_inbox import BATCH, Dropped, inbox_steps, take_files
from workers.bills import BillImports

__all__ = ["clock", "clocked", "news", "vault", "world"]
FILE = """bill_entry_id,cost_type,acct_period,bill_entry_amount,deadline,room_address
E1,物业费,2026-10,88.80,20261130,a111 1栋/1/1
"""


@pytest.fixture
def folder(tmp_path: Path, world: World) -> Path:
    """The inbox of compound a111."""
    made = tmp_path / "inbox" / str(world.areas["a111"])
    made.mkdir(parents=True)
    return made


def drop(folder: Path, clock: Clock, name: str, content: str = FILE, *, seconds: float = 60) -> Path:
    """A file that has lain still for so long."""
    path = folder / name
    path.write_text(content)
    at = (clock() - timedelta(seconds=seconds)).timestamp()
    os.utime(path, (at, at))
    return path


async def took(world: World, folder: Path) -> int:
    return await take_files(world.database, world.vault, folder.parent)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_is_handed_to_the_office_to_look_at_and_is_gone(
    world: World, folder: Path, clock: Clock, superuser: asyncpg.Connection
) -> None:
    drop(folder, clock, "十月.csv")
    (step,) = inbox_steps(folder.parent, world.vault)
    assert await step.run(world.database) == 1
    await BillImports(world.database, world.vault).drain()
    found = await superuser.fetchrow("select name, state, total, bad, amount_fen, compound_id from bill_import")
    assert tuple(found) == ("十月.csv", "ready", 1, 0, 8_880, world.areas["a111"])
    assert left(folder) == []
    assert inbox_steps(None, world.vault) == ()
    assert await take_files(world.database, world.vault, folder / "none") == 0


async def test_what_grows_is_hidden_or_is_something_else_is_left(world: World, folder: Path, clock: Clock) -> None:
    drop(folder, clock, "growing.csv", seconds=59)
    for name in (".hidden.csv", "notes.txt", "old.csv.refused"):
        drop(folder, clock, name, seconds=9_999)
    (folder / "folder.csv").mkdir()
    (folder / "link.csv").symlink_to(drop(folder.parent, clock, "elsewhere.csv"))
    for other in ("names", "0", "12x", "9" * 12):
        (folder.parent / other).mkdir()
        drop(folder.parent / other, clock, "a.csv")
    (folder.parent / "7").symlink_to(folder.parent / "names")
    before = left(folder)
    assert await took(world, folder) == 0
    assert left(folder) == before


@pytest.mark.parametrize("content", ["", "x" * 41])
async def test_what_cannot_be_one_stays_refused(
    world: World, folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setattr(bill_inbox, "MOST_BYTES", 40)
    drop(folder, clock, "a.csv", content)
    nowhere = folder.parent / "999999"
    nowhere.mkdir()
    drop(nowhere, clock, "b.XLSX", "rows")
    assert await took(world, folder) == 2
    assert (left(folder), left(nowhere)) == (["a.csv.refused"], ["b.XLSX.refused"])
    assert await took(world, folder) == 0


async def test_a_link_or_pipe_put_in_its_place_is_not_followed(
    world: World, folder: Path, clock: Clock, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = drop(folder.parent, clock, "secret")
    (folder / "link.csv").symlink_to(secret)
    os.mkfifo(folder / "pipe.csv")
    monkeypatch.setattr(bill_inbox, "_ripe", lambda path, _: path.name)  # it was a file when it was looked at
    async with asyncio.timeout(PATIENCE):
        assert await took(world, folder) == 2
    assert await superuser.fetchval("select count(*) from bill_import") == 0
    assert left(folder) == ["link.csv.refused", "pipe.csv.refused"]


async def test_of_several_workers_one_has_it_and_what_a_dead_one_had_is_found_in_an_hour(
    world: World, folder: Path, clock: Clock, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        drop(folder, clock, f"{number}.csv")
    assert sum(await asyncio.gather(*(took(world, folder) for _ in range(3)))) == 3
    assert await superuser.fetchval("select count(distinct name) = 3 and count(*) = 3 from bill_import")

    drop(folder, clock, "dead.csv")
    with monkeypatch.context() as dies:
        dies.setattr(bill_inbox, "_hand_in", None)
        with pytest.raises(TypeError):
            await took(world, folder)
    drop(folder, clock, "dead.csv", FILE.replace("88.80", "99.90"))  # the next of that name does not take its place
    assert await took(world, folder) == 1
    clock.advance(minutes=59)
    assert await took(world, folder) == 0
    clock.advance(minutes=2)
    assert await took(world, folder) == 1
    assert await superuser.fetchval("select count(*) from bill_import where name = 'dead.csv'") == 2
    assert left(folder) == []


async def test_a_batch_is_bounded(world: World, folder: Path, clock: Clock) -> None:
    for number in range(BATCH + 1):
        drop(folder, clock, f"{number:02d}.csv", " ")
    assert [await took(world, folder) for _ in range(2)] == [BATCH, 1]


async def test_the_folders_take_turns(world: World, folder: Path, clock: Clock, superuser: asyncpg.Connection) -> None:
    for number in range(BATCH):
        drop(folder, clock, f"{number:02d}.csv", " ")
    other = folder.parent / str(world.areas["a112"])
    other.mkdir()
    drop(other, clock, "a.csv", FILE)
    assert await took(world, folder) == BATCH
    assert await superuser.fetchval("select compound_id from bill_import") == world.areas["a112"]


async def test_a_folder_whose_files_vanish_or_that_is_not_to_be_read_holds_up_no_other(
    world: World, folder: Path, clock: Clock, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may drop files into one folder may do anything in it, at any moment."""
    for name in ("gone.csv", "handed in.csv"):
        drop(folder, clock, name)
    other = folder.parent / str(world.areas["a112"])
    other.mkdir()
    drop(other, clock, "a.csv", FILE.replace("a111", "a112"))
    drop(other, clock, "b.csv", FILE.replace("a111", "a112"))
    hand_in, iterdir = bill_inbox._hand_in, Path.iterdir

    async def interfered(database: Database, vault: Vault, file: Dropped) -> None:
        if file.name == "gone.csv":
            file.path.unlink()
        await hand_in(database, vault, file)
        if file.name == "handed in.csv":
            file.path.unlink()

    monkeypatch.setattr(bill_inbox, "_hand_in", interfered)
    assert await took(world, folder) == 4
    handed = await superuser.fetch("select name from bill_import order by name")
    assert [row["name"] for row in handed] == ["a.csv", "b.csv", "handed in.csv"]
    assert left(folder) == left(other) == []

    def shut(self: Path) -> Iterator[Path]:
        if self == folder:
            raise PermissionError
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", shut)
    drop(folder, clock, "c.csv")
    drop(other, clock, "d.csv")
    assert await took(world, folder) == 1


async def test_files_of_others_are_taken_without_touching_their_times(
    world: World, folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(folder, clock, "a.csv")

    def not_yours(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", not_yours)
    assert await took(world, folder) == 1
    assert left(folder) == []
