"""The news channel on real Valkey: heard at once here, soon elsewhere, and a commit never feels that it is away."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from domain.kernel.uow import News
from integrations.valkey import CHANNEL, EVERYTHING, NewsChannel, announce, merged
from tests.factories.patience import PATIENCE

ALERT = News(frozenset({"alerts"}), frozenset({7}))
NOBODY_THERE = "redis://127.0.0.1:1/0"


class Heard(list[News]):
    """Collects news; ``wait`` until something is among it."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def __call__(self, news: News) -> None:
        self.append(news)
        self._more.set()

    async def wait(self, news: News) -> None:
        async with asyncio.timeout(PATIENCE):
            while news not in self:
                self._more.clear()
                await self._more.wait()


@pytest.fixture
def topic() -> str:
    """A channel of this test's own: pub/sub is shared by all databases of the run's Valkey."""
    return f"{CHANNEL}:{secrets.token_hex(8)}"


@asynccontextmanager
async def channel(url: str, topic: str) -> AsyncIterator[tuple[NewsChannel, Heard]]:
    """A started channel that is subscribed, with what it hears from then on."""
    made, heard = NewsChannel(url, topic=topic), Heard()
    with made.hear(heard):
        await made.start()
        await heard.wait(EVERYTHING)
        heard.clear()
        yield made, heard
        await made.close()


async def test_news_is_heard_here_at_once_and_elsewhere_once(redis_url: str, topic: str) -> None:
    async with channel(redis_url, topic) as (here, heard_here), channel(redis_url, topic) as (_, heard_there):
        await here.publish(ALERT)
        assert heard_here == [ALERT]
        await heard_there.wait(ALERT)
        last = News(frozenset({"events"}))
        await here.publish(last)
        await heard_there.wait(last)
        assert heard_there == [ALERT, last]
        assert heard_here == [ALERT, last]  # its own messages do not come back


async def test_a_command_that_ends_at_once_is_heard_and_never_fails(redis_url: str, topic: str) -> None:
    async with channel(redis_url, topic) as (_, heard):
        await announce(redis_url, ALERT, topic=topic)
        await heard.wait(ALERT)
    await announce(NOBODY_THERE, ALERT, topic=topic)
    await announce(None, ALERT, topic=topic)


async def test_news_that_waits_is_merged_into_one_message(redis_url: str, topic: str) -> None:
    async with channel(redis_url, topic) as (here, _), channel(redis_url, topic) as (_, heard_there):
        for compound in range(100):
            await here.publish(News(frozenset({"alerts"}), frozenset({compound})))
        together = News(frozenset({"alerts"}), frozenset(range(100)))
        await heard_there.wait(together)
        assert heard_there == [together]


async def test_what_is_not_news_is_passed_over(redis_url: str, topic: str) -> None:
    async with (
        channel(redis_url, topic) as (here, _),
        channel(redis_url, topic) as (_, heard),
        Redis.from_url(redis_url) as client,
    ):
        for message in (b"{", b"[]", b'{"from":"x"}', json.dumps({"from": "x", "topics": 1}).encode()):
            await client.publish(topic, message)
        await here.publish(ALERT)
        await heard.wait(ALERT)
        assert heard == [ALERT]


async def test_after_a_cut_everything_is_said_to_have_changed(redis_url: str, topic: str) -> None:
    async with channel(redis_url, topic) as (here, heard), Redis.from_url(redis_url) as client:
        mine = [c for c in await client.client_list() if c["name"] == f"news-{here._me}" and c["sub"] == "1"]
        assert len(mine) == 1
        await client.client_kill_filter(_id=mine[0]["id"])
        await heard.wait(EVERYTHING)
        heard.clear()
        said = {"from": "another", "topics": ["alerts"], "compounds": [7], "accounts": []}
        assert await client.publish(topic, json.dumps(said)) == 1
        await heard.wait(ALERT)


async def test_a_commit_does_not_feel_that_valkey_is_away() -> None:
    made, heard = NewsChannel(NOBODY_THERE), Heard()
    with made.hear(heard):
        await made.start()
        with pytest.raises(StopIteration):
            made.publish(ALERT).send(None)  # it waits for nothing
        assert heard == [ALERT]
        async with asyncio.timeout(PATIENCE):
            while made.failed == 0:  # noqa: ASYNC110 - the sender has no event to wait for
                await asyncio.sleep(0.01)
        await made.close()


async def test_without_valkey_listeners_of_the_process_hear() -> None:
    made, heard = NewsChannel(None), Heard()
    with made.hear(heard):
        await made.start()
        await made.publish(ALERT)
    await made.publish(News(frozenset({"events"})))
    assert heard == [ALERT]


async def test_a_listener_that_fails_does_not_keep_the_others_from_hearing() -> None:
    made, heard = NewsChannel(None), Heard()

    def broken(news: News) -> None:
        raise ValueError(news)

    with made.hear(broken), made.hear(heard):
        await made.publish(ALERT)
    assert heard == [ALERT]


@pytest.mark.parametrize(
    ("a", "b", "accounts"),
    [
        (News(frozenset({"access"}), accounts=frozenset({1})), ALERT, {1}),
        (
            News(frozenset({"access"}), accounts=frozenset({1})),
            News(frozenset({"access"}), accounts=frozenset({2})),
            {1, 2},
        ),
        (News(frozenset({"access"}), accounts=frozenset({1})), News(frozenset({"access"})), set()),
    ],
)
def test_merging_keeps_everybody_everybody(a: News, b: News, accounts: set[int]) -> None:
    assert merged(a, b).accounts == accounts
    assert merged(b, a).accounts == accounts


async def test_who_stops_while_it_still_connects_stops(redis_url: str, topic: str) -> None:
    for steps in range(12):
        channel = NewsChannel(redis_url, topic=topic)
        await channel.start()
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            await channel.close()
