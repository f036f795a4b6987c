"""The county operator's alert feed: what the simulated devices come to, as people see it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

SUBSCRIPTION: Final = """
subscription Alerts($after: String) {
  alertFeed(after: $after) {
    cursor
    change
    alert { kind severity place raisedAt explanation { text } compound { name } }
  }
}
"""
PROTOCOL: Final = Subprotocol("graphql-transport-ws")
RETRY_SECONDS: Final = 1.0
SHOWN: Final = 12


@dataclass(slots=True)
class Seen:
    """Alerts as they came.

    changes: "raised", "risen", "cleared" … by how often. error: why the feed is not open. news: set with every item
    and every error.
    """

    changes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    latest: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=SHOWN))
    cursor: str | None = None
    error: str = ""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, item: dict[str, Any]) -> None:
        """One item of the feed."""
        change = str(item["change"]).lower()
        self.changes[change] += 1
        if change == "raised":
            self.kinds[str(item["alert"]["kind"]).lower()] += 1
        self.latest.append(item)
        self.cursor = item["cursor"]
        self.news.set()

    def fail(self, why: str) -> None:
        """The feed is not open."""
        self.error = why[:200]
        self.news.set()

    @property
    def total(self) -> int:
        """Items of the feed."""
        return self.changes.total()


async def follow(
    base: str, token: Callable[[], Awaitable[str]], seen: Seen, *, retry_seconds: float = RETRY_SECONDS
) -> None:
    """Follow the feed until cancelled; a closed socket is opened again and resumed by its cursor."""
    url = base.rstrip("/").replace("http", "ws", 1) + "/graphql"
    while True:
        try:
            async with connect(url, subprotocols=[PROTOCOL]) as socket:
                await _subscribe(socket, await token(), seen)
        except (OSError, TimeoutError, WebSocketException) as error:
            seen.fail(f"{type(error).__name__}: {error}")
        seen.open.clear()
        await asyncio.sleep(retry_seconds)


async def _subscribe(socket: ClientConnection, token: str, seen: Seen) -> None:
    await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    if json.loads(await socket.recv())["type"] != "connection_ack":
        seen.fail("the API did not acknowledge the connection")
        return
    operation = {"query": SUBSCRIPTION, "variables": {"after": seen.cursor}}
    await socket.send(json.dumps({"id": "alerts", "type": "subscribe", "payload": operation}))
    seen.open.set()
    async for frame in socket:
        said = json.loads(frame)
        if said["type"] == "ping":
            await socket.send('{"type":"pong"}')
        elif said["type"] == "next" and said["payload"].get("data"):
            seen.error = ""
            seen.take(said["payload"]["data"]["alertFeed"])
        elif said["type"] in ("next", "error", "complete"):
            seen.fail(json.dumps(said.get("payload"), ensure_ascii=False))
            return
