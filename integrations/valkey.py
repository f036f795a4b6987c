"""News after a commit, over Valkey pub/sub: "these topics have news in these compounds". Losing it loses nothing.

Listeners of the same process hear at once; others through the channel. A commit never waits for Valkey: news is merged
and sent by a task of its own, and while Valkey is away everybody polls.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from domain.kernel.uow import News

log = structlog.get_logger(__name__)

CHANNEL = "zhian:news"
RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0)
ANSWER_SECONDS = 2.0
HEARTBEAT_SECONDS = 5.0
AGAIN_SECONDS = 0.1
Listener = Callable[[News], None]


class NewsChannel:
    """One process's end of the channel. ``url`` None = no Valkey: only listeners of this process hear.

    topic: the channel's name; pub/sub knows no databases, so installations that share a Valkey need one each.
    heartbeat: after so many seconds without a word the listener asks, and after as many more it connects anew.
    failed: how many sends Valkey did not take. connected: whether news is heard.
    """

    def __init__(self, url: str | None, *, topic: str = CHANNEL, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._url = url
        self._topic = topic
        self._heartbeat = heartbeat
        self._me = secrets.token_hex(8)
        self._listeners: list[Listener] = []
        self._pending: News | None = None
        self._waiting = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.failed = 0
        self.connected = False

    async def start(self) -> None:
        """Begin sending and listening."""
        if self._url is not None:
            self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._listen())]

    async def close(self) -> None:
        """Stop; pending news is dropped, as if it had been lost."""
        while left := [task for task in self._tasks if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=AGAIN_SECONDS)  # the client loses a cancellation while it connects

    async def publish(self, news: News) -> None:
        """Tell listeners here now and those elsewhere soon. Never fails, never waits."""
        self._tell(news)
        if self._url is not None:
            self._pending = news if self._pending is None else merged(self._pending, news)
            self._waiting.set()

    @contextmanager
    def hear(self, listener: Listener) -> Iterator[None]:
        """Have ``listener`` called with all news while the context lasts; it must not block."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def _tell(self, news: News) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(news)
            except Exception:
                log.exception("news_listener_failed")

    async def _send(self) -> None:
        client = self._client()
        try:
            while True:
                await self._waiting.wait()
                self._waiting.clear()
                news, self._pending = self._pending, None
                if news is not None:
                    try:
                        await client.publish(self._topic, encoded(news, self._me))
                    except (RedisError, OSError):
                        self.failed += 1
        finally:
            await client.aclose()

    async def _listen(self) -> None:
        attempt = 0
        while True:
            client = self._client()
            try:
                async with client.pubsub() as pubsub:
                    await pubsub.subscribe(self._topic)
                    await self._follow(pubsub)
            except (RedisError, OSError) as error:
                if self.connected:
                    attempt = 0
                    log.warning("news_channel_lost", error=type(error).__name__)
            finally:
                self.connected = False
                with suppress(RedisError, OSError):
                    await client.aclose()
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1

    async def _follow(self, pubsub: PubSub) -> None:
        """Hear until the connection ends, or Valkey does not answer any more."""
        asked = False
        while True:
            said = await pubsub.get_message(timeout=self._heartbeat)
            if said is None:
                if asked:
                    raise ConnectionError("Valkey does not answer")
                await pubsub.ping()
                asked = True
                continue
            asked = False
            if said["type"] == "subscribe":
                self.connected = True
                self._tell(EVERYTHING)  # what was said while nobody listened
            elif said["type"] == "message":
                self._heard(said["data"])

    def _heard(self, data: bytes) -> None:
        try:
            said = orjson.loads(data)
            if said["from"] == self._me:
                return
            news = News(frozenset(said["topics"]), frozenset(said["compounds"]), frozenset(said["accounts"]))
        except (ValueError, KeyError, TypeError):
            log.warning("news_not_understood")
            return
        self._tell(news)

    def _client(self) -> Redis:
        client: Redis = Redis.from_url(
            self._url or "",
            client_name=f"news-{self._me}",
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
        )
        return client


EVERYTHING = News(frozenset({"alerts", "events", "requests", "outbox", "access", "documents"}))
"""After a gap anything may have changed; an empty set of accounts or compounds means all of them."""


async def announce(url: str | None, news: News, *, topic: str = CHANNEL) -> None:
    """Say ``news`` once, for commands that end at once. Never fails; without Valkey nobody hears it and all poll."""
    if url is None:
        return
    client: Redis = Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS)
    try:
        await client.publish(topic, encoded(news, secrets.token_hex(8)))
    except (RedisError, OSError):
        log.warning("news_not_sent")
    finally:
        with suppress(RedisError, OSError):
            await client.aclose()


def merged(a: News, b: News) -> News:
    """Both as one. Accounts of "access" that were "all" (none named) stay all."""
    everybody = any("access" in news.topics and not news.accounts for news in (a, b))
    return News(a.topics | b.topics, a.compounds | b.compounds, frozenset() if everybody else a.accounts | b.accounts)


def encoded(news: News, sender: str) -> bytes:
    """The message on the channel."""
    return orjson.dumps(
        {
            "from": sender,
            "topics": sorted(news.topics),
            "compounds": sorted(news.compounds),
            "accounts": sorted(news.accounts),
        }
    )
