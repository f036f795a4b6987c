"""A log put back from a backup: cursors of before are refused, on every transport, and never silently skip."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.live import FeedHub
from domain.kernel.actor import Scope
from domain.kernel.paging import BadCursor, LogCursor, StaleCursor, encode_cursor
from integrations.postgres import RestoredDatabase, refuse_restored
from migrations.run import upgrade
from tests.api.execution.serving import client, endpoint_of, serving, until
from tests.api.execution.test_sse import FEED, stream
from tests.api.execution.toy import Toy, schema
from tests.api.live.test_feeds import Ear
from tests.api.live.test_feeds_on_postgres import INSERT, reader, render
from tests.factories.patience import PATIENCE

HERE = Scope(compounds=(7,))
SAID = "select epoch, floor from log_epoch order by log"


@pytest.fixture
async def hub(engine: AsyncEngine) -> AsyncIterator[FeedHub]:
    made = FeedHub({"alerts": reader(engine)}, poll_seconds=0.05)
    yield made
    await made.close()


def listen(hub: FeedHub, ear: Ear, after: LogCursor | None) -> asyncio.Event:
    """Attach ``ear``; the event is set when its place is lost."""
    lost = asyncio.Event()
    feed = hub.feed("alerts", scope=HERE, admit=lambda _: True, present=lambda i: i, key="all", after=after)
    feed.attach("op", render, ear, lost.set)
    return lost


async def happened(event: asyncio.Event) -> bool:
    async with asyncio.timeout(PATIENCE):
        return await event.wait()


async def test_a_cursor_of_before_is_refused_and_a_new_one_goes_on(
    engine: AsyncEngine, hub: FeedHub, superuser: asyncpg.Connection, database_url: str
) -> None:
    source = reader(engine)
    before = await source.end()
    await superuser.execute(INSERT, 7, 1)

    assert await upgrade(database_url, restored=True) is True

    with pytest.raises(StaleCursor):
        await source.after(before, HERE, 10)
    late, fresh = Ear(), Ear()
    lost = listen(hub, late, before)
    assert await happened(lost)
    start = await source.end()
    await superuser.execute(INSERT, 7, 2)
    listen(hub, fresh, start)
    await until(lambda: fresh.heard == ["2"])
    assert late.heard == []
    assert LogCursor.decode(fresh.cursors[0].encode()) == fresh.cursors[0]
    assert fresh.cursors[0].epoch == start.epoch > 0


async def test_who_listens_while_the_log_is_put_back_is_told(
    hub: FeedHub, superuser: asyncpg.Connection, database_url: str
) -> None:
    ears = [Ear(), Ear()]
    lost = [listen(hub, ear, None) for ear in ears]
    await until(lambda: sum(len(group.live) for group in hub._tails["alerts"]._groups.values()) == 2)
    await superuser.execute(INSERT, 7, 1)
    await until(lambda: all(ear.heard == ["1"] for ear in ears))

    await upgrade(database_url, restored=True)

    for event in lost:
        assert await happened(event)
    assert hub.members() == {"alerts": 0}


async def test_a_place_beyond_the_end_was_never_given_out(hub: FeedHub, engine: AsyncEngine) -> None:
    end = await reader(engine).end()

    lost = listen(hub, Ear(), LogCursor(end.xid + 1_000_000, 0))

    assert await happened(lost)


async def test_the_same_backup_put_back_twice_is_two_epochs(database_url: str, superuser: asyncpg.Connection) -> None:
    found = []
    for _ in range(2):
        await superuser.execute("update log_epoch set epoch = 0")
        await upgrade(database_url, restored=True)
        found.append([row["epoch"] for row in await superuser.fetch(SAID)])

    assert len({epoch for epochs in found for epoch in epochs}) == 2 * len(found[0]) == 6
    assert await upgrade(database_url) is False
    assert [row["epoch"] for row in await superuser.fetch(SAID)] == found[1]


async def test_rows_that_came_from_another_server_hold_nothing_back_and_are_not_news(
    engine: AsyncEngine, hub: FeedHub, superuser: asyncpg.Connection, database_url: str
) -> None:
    source, here = reader(engine), await superuser.fetchval("select pg_current_xact_id()::text::bigint")
    for n, xid in enumerate((here + 10_000_000, here - 1), 1):  # its counter was far ahead; some are below ours
        await superuser.execute(INSERT, 7, n)
        await superuser.execute("update alert_change set xid = $1::text::xid8 where alert_id = $2", str(xid), n)
    await superuser.execute("update log_epoch set server = 'another'")
    with pytest.raises(RestoredDatabase, match="RESTORED_DATABASE"):
        await refuse_restored(engine)

    assert await upgrade(database_url) is True

    await refuse_restored(engine)
    epoch = (await source.end()).epoch
    page = await source.after(LogCursor(0, 0, epoch), HERE, 10)
    assert ([item.text for item in page.items], page.held_back) == ([], False)
    await superuser.execute(INSERT, 7, 3)
    ear = Ear()
    listen(hub, ear, LogCursor(0, 0, epoch))
    await until(lambda: ear.heard == ["3"])


@pytest.mark.parametrize(("option", "begun"), [(["--restored"], True), ([], False)])
async def test_the_command_says_whether_an_epoch_began(
    database_url: str, superuser: asyncpg.Connection, option: list[str], begun: bool
) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli.main", "migrate", *option),
        env=environ | {"ZHIAN_DATABASE_URL": database_url},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()

    assert process.returncode == 0
    assert (b"restored: cursors" in said) is begun
    assert all((row["epoch"] > 0) is begun for row in await superuser.fetch(SAID))


async def test_only_the_owner_begins_an_epoch(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute(text("select zhian_begin_epoch(true)"))


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
async def host(toy: Toy) -> AsyncIterator[str]:
    async with serving(endpoint_of(toy, schema)) as address:
        yield address
    await toy.hub.close()


STALE = "STALE_CURSOR"


async def test_a_socket_is_told_once_and_stays(host: str, toy: Toy) -> None:
    toy.log.epoch = 41
    async with client(host) as socket:
        await socket.initialise(authorization="Bearer ming")
        await socket.subscribe(FEED, after=encode_cursor(toy.log.horizon, 0))
        (refused,) = await socket.collect()
        assert refused["type"] == "error"
        assert [error["extensions"]["code"] for error in refused["payload"]] == [STALE]
        await socket.subscribe(FEED, after=LogCursor(toy.log.horizon, 0, 41).encode())
        toy.log.add("fire")
        assert (await socket.receive())["payload"]["data"]["toyFeed"]["text"] == "fire"
        toy.log.epoch = 42
        (told,) = await socket.collect()
        assert told["payload"][0]["extensions"]["code"] == STALE


async def test_an_event_stream_is_told_and_ends(host: str, toy: Toy) -> None:
    toy.log.epoch = 41
    last = encode_cursor(toy.log.horizon, 0)
    async with stream(host, FEED, headers={"last-event-id": last}) as events:
        told, end = await events.event(), await events.event()
        assert json.loads(told["data"])["errors"][0]["extensions"]["code"] == STALE
        assert end["event"] == "complete"


@pytest.mark.parametrize(
    "place", [LogCursor(3, 4), LogCursor(3, 4, 5), LogCursor(2**62, 0, 2**52)], ids=lambda place: place.encode()
)
def test_a_cursor_is_read_back(place: LogCursor) -> None:
    assert LogCursor.decode(place.encode()) == place


@pytest.mark.parametrize("parts", [(1,), (1, 2, 3, 4), (-1, 0), (1, -2, 3), (1, 2, -3), ("1", 2), (1, 2, "3")])
def test_what_is_no_cursor_is_refused(parts: tuple[Any, ...]) -> None:
    with pytest.raises(BadCursor):
        LogCursor.decode(encode_cursor(*parts))
