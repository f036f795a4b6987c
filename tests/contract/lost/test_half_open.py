"""Connections that carry nothing any more, and that both ends believe in: noticed in a stated time, by every client."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel import uow
from domain.kernel.actor import Scope
from domain.kernel.uow import News, transaction
from integrations.postgres import LOST_SECONDS, create_engine, watch
from integrations.spending import Spending
from integrations.valkey import CHANNEL, EVERYTHING, NewsChannel
from tests.contract.news.test_news_channel import Heard
from tests.factories.patience import PATIENCE
from tests.faults.harness.launch import DATABASE_SOCKET, VALKEY_SOCKET
from tests.faults.harness.proxy import Link, Side

SHORT = 1.0  # what the product waits for an answer that never comes
IDLE = 5.0  # what a server waits for the rest of a transaction
ALERT = News(frozenset({"alerts"}), frozenset({7}))


@asynccontextmanager
async def linked(listen: Path, target: Path) -> AsyncIterator[Link]:
    """A proxy between two Unix sockets."""
    link = Link(listen, target)
    await link.start()
    try:
        yield link
    finally:
        await link.stop()


@pytest.fixture
async def database_link(database_url: str, open_folder: Path) -> AsyncIterator[Link]:
    real = Path(parse_qs(urlsplit(database_url).query)["host"][0])
    async with linked(open_folder / DATABASE_SOCKET, real / DATABASE_SOCKET) as link:
        yield link


@pytest.fixture
async def through(database_url: str, database_link: Link, open_folder: Path) -> AsyncIterator[AsyncEngine]:
    """Three connections, all behind the link."""
    url = urlsplit(database_url)._replace(query=urlencode({"host": str(open_folder)})).geturl()
    engine = create_engine(url, pool_size=3, patience=IDLE)
    together = asyncio.Barrier(3)

    async def use() -> None:
        async with transaction(engine, Scope()):
            await together.wait()

    await asyncio.gather(*(use() for _ in range(3)))
    yield engine
    await engine.dispose()


@pytest.fixture
async def valkey(redis_url: str, open_folder: Path) -> AsyncIterator[tuple[str, Link]]:
    """Valkey's address through a link."""
    url = urlsplit(redis_url)
    listen = open_folder / VALKEY_SOCKET
    through = f"unix://{url.netloc.rpartition('@')[0]}@{listen}?{url.query}"
    async with linked(listen, Path(url.path)) as link:
        yield through, link


async def _one(engine: AsyncEngine) -> int:
    async with transaction(engine, Scope()) as connection:
        return int((await connection.execute(text("select 1"))).scalar_one())


async def _lost_half_way(engine: AsyncEngine, link: Link) -> None:
    async with transaction(engine, Scope()) as connection:
        await connection.execute(text("select pg_current_xact_id()"))
        link.lose()
        await connection.execute(text("select 1"))


async def test_a_lost_pool_costs_one_wait_and_not_one_for_each_connection(
    through: AsyncEngine, database_link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    database_link.lose()

    with monkeypatch.context() as hurried:
        hurried.setattr(uow, "ANSWER_SECONDS", SHORT)
        with pytest.raises(TimeoutError):
            await _one(through)
    assert [await _one(through) for _ in range(4)] == [1] * 4  # none waits for another lost one


async def test_a_connection_lost_in_a_transaction_is_thrown_away_and_the_server_ends_it(
    through: AsyncEngine, database_link: Link, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = "select count(*) from pg_stat_activity where application_name = 'zhian' and backend_xid is not null"

    with monkeypatch.context() as hurried:
        hurried.setattr(uow, "ANSWER_SECONDS", SHORT)  # for its ROLLBACK
        with pytest.raises(TimeoutError):
            await _lost_half_way(through, database_link)

    assert await _one(through) == 1
    async with asyncio.timeout(PATIENCE):
        while await superuser.fetchval(waiting):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("side", Side)
async def test_a_statement_or_answer_in_half_fails_once(through: AsyncEngine, database_link: Link, side: Side) -> None:
    database_link.cut(side, 1)

    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await _one(through)

    assert [await _one(through) for _ in range(4)] == [1] * 4


async def test_connections_that_the_server_closed_are_not_given_out(through: AsyncEngine, database_link: Link) -> None:
    database_link.reset()
    while database_link.open:  # noqa: ASYNC110 - the pumps' end
        await asyncio.sleep(0.01)

    assert [await _one(through) for _ in range(4)] == [1] * 4


async def test_the_kernel_is_told_to_ask_and_to_give_up() -> None:
    def options(sock: socket.socket) -> tuple[int, ...]:
        names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        return tuple(sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, n)) for n in names if hasattr(socket, n))

    with socket.socket() as sock, socket.socket(socket.AF_UNIX) as local:
        watch(sock)
        watch(local)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert options(sock)[-4:] == (10, 5, 2, LOST_SECONDS * 1000)
        assert local.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0


async def test_the_server_is_told_to_ask_and_to_give_up(through: AsyncEngine) -> None:
    named = "select name, setting from pg_settings where source = 'client' and name ~ '^(tcp_|idle_in)'"
    async with transaction(through, Scope(), read_only=True) as connection:
        found = {row.name: row.setting for row in await connection.execute(text(named))}

    assert found["idle_in_transaction_session_timeout"] == str(int(IDLE * 1000))
    asked = {"tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout"}
    assert asked <= found.keys()


async def test_news_through_a_lost_connection_is_heard_again_after_two_heartbeats(
    valkey: tuple[str, Link], redis_url: str
) -> None:
    url, link = valkey
    topic = f"{CHANNEL}:{link.open}:{time.monotonic_ns()}"
    here, heard = NewsChannel(url, topic=topic, heartbeat=0.2), Heard()
    there = NewsChannel(redis_url, topic=topic)
    with here.hear(heard):
        await here.start()
        await there.start()
        await heard.wait(EVERYTHING)
        heard.clear()
        link.lose()
        assert here.connected

        await heard.wait(EVERYTHING)
        assert here.connected
        await told(there, heard, ALERT)
        await here.close()
        await there.close()


async def test_news_sent_into_a_lost_connection_is_counted_and_the_next_arrives(
    valkey: tuple[str, Link], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.valkey.ANSWER_SECONDS", 0.3)
    url, link = valkey
    topic = f"{CHANNEL}:{time.monotonic_ns()}"
    here, there, heard = NewsChannel(url, topic=topic), NewsChannel(redis_url, topic=topic), Heard()
    with there.hear(heard):
        await there.start()
        await here.start()
        await heard.wait(EVERYTHING)
        await told(here, heard, ALERT)
        failed = here.failed
        link.lose()
        await here.publish(ALERT)
        await _until(lambda: here.failed > failed)
        await told(here, heard, News(frozenset({"events"})))
        await here.close()
        await there.close()


async def test_costs_are_counted_here_while_valkey_is_lost_and_there_again_after(
    valkey: tuple[str, Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, link = valkey
    spending = Spending(url)
    assert await spending.spend("lost", 1, per_second=1, burst=10) == 0
    link.lose()
    monkeypatch.setattr("integrations.spending.ANSWER_SECONDS", SHORT)

    assert await spending.spend("lost", 1, per_second=1, burst=10) == 0
    assert (spending.away, spending.local) == (True, 1)
    async with asyncio.timeout(PATIENCE):
        while spending.away:
            await spending.spend("lost", 0, per_second=1, burst=10)
            await asyncio.sleep(0.05)
    assert await spending.spend("lost", 1, per_second=1, burst=10) == 0
    await spending.close()


async def told(channel: NewsChannel, heard: Heard, news: News) -> None:
    """Say it until it is heard: what is said while a connection is made anew is lost."""
    async with asyncio.timeout(PATIENCE):
        while news not in heard:
            await channel.publish(news)
            await asyncio.sleep(0.02)


async def _until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not met():  # noqa: ASYNC110 - a task of another object
            await asyncio.sleep(0.01)
