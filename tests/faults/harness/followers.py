"""Subscribers of ``alertFeed`` as real clients are: after any close they come again and go on behind their cursor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from domain.kernel.paging import LogCursor

BEGINNING = LogCursor(0, 0).encode()
FEED = "subscription Follow($after: String) { alertFeed(after: $after) { cursor change alert { id kind } } }"
PING_SECONDS = 2.0
SILENCE_SECONDS = 20.0  # the server says something on an event stream every 15 s
PAUSE_SECONDS = 0.2
BROKEN = (OSError, EOFError, TimeoutError, WebSocketException, httpx.HTTPError)
TokenOf = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Item:
    """One change as a subscriber heard it."""

    cursor: str
    change: str
    alert: str


@dataclass
class Follower:
    """One subscriber, signed in by phone.

    sees: whether it must hear a row of alert_change. items: all it heard, in order. joined: how often it connected.
    """

    phone: str
    base: str
    token: TokenOf
    sees: Callable[[Any], bool]
    items: list[Item] = field(default_factory=list)
    joined: int = 0
    complaints: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            with suppress(*BROKEN):
                await self._follow(await self.token(self.phone))
            await asyncio.sleep(PAUSE_SECONDS)

    @property
    def after(self) -> str:
        """Where to go on."""
        return self.items[-1].cursor if self.items else BEGINNING

    async def _follow(self, token: str) -> None:
        raise NotImplementedError

    def _hear(self, payload: dict[str, Any]) -> None:
        if payload.get("errors"):
            self.complaints.append(json.dumps(payload["errors"]))
            return
        said = payload["data"]["alertFeed"]
        self.items.append(Item(said["cursor"], said["change"].lower(), said["alert"]["id"]))


class SocketFollower(Follower):
    """Over graphql-transport-ws."""

    async def _follow(self, token: str) -> None:
        async with connect(
            f"ws://{self.base}/graphql",
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            open_timeout=PING_SECONDS,
            close_timeout=PING_SECONDS,
            proxy=None,
        ) as socket:
            hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
            await socket.send(json.dumps(hello))
            asked = {"query": FEED, "variables": {"after": self.after}}
            async for frame in socket:
                said = json.loads(frame)
                if said["type"] == "connection_ack":
                    self.joined += 1
                    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
                elif said["type"] == "next":
                    self._hear(said["payload"])
                elif said["type"] == "error":
                    self.complaints.append(json.dumps(said["payload"]))
                    return


class StreamFollower(Follower):
    """Over Server-Sent Events, resuming by ``Last-Event-ID``."""

    async def _follow(self, token: str) -> None:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
        asked = {"query": FEED, "variables": {"after": BEGINNING}}
        if self.items:
            headers["Last-Event-ID"] = self.after
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=PING_SECONDS)
        async with (
            httpx.AsyncClient(timeout=timeout) as client,
            client.stream("POST", f"http://{self.base}/graphql", json=asked, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                return
            self.joined += 1
            await self._read(answer)

    async def _read(self, answer: httpx.Response) -> None:
        event, last_id = "", ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                last_id = value
            elif name == "data" and event == "next":
                before = len(self.items)
                self._hear(json.loads(value))
                if len(self.items) > before and self.items[-1].cursor != last_id:
                    self.complaints.append(f"id {last_id} is not the cursor {self.items[-1].cursor}")
