"""Event streams: framing, cursors, resuming, heartbeats, ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from domain.kernel.paging import LogCursor
from tests.api.execution import toy as toy_module
from tests.api.execution.serving import endpoint_of, serving, until
from tests.api.execution.toy import Toy, ToyFeedItem, ToyItem, schema
from tests.factories.patience import PATIENCE

FEED = "subscription($after:String){toyFeed(after:$after){cursor text}}"


class Stream:
    """Reads events off a response."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.text = ""
        self._chunks = response.aiter_text()

    async def block(self) -> str:
        """The next block up to an empty line."""
        async with asyncio.timeout(PATIENCE):
            while "\n\n" not in self.text:
                self.text += await anext(self._chunks)
        block, self.text = self.text.split("\n\n", 1)
        return block

    async def event(self) -> dict[str, str]:
        """The next event that is not a comment, as its fields."""
        while (block := await self.block()).startswith(":"):
            pass
        return {name: value.strip() for name, _, value in (line.partition(":") for line in block.split("\n"))}

    async def ends(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            return [chunk async for chunk in self._chunks if chunk.strip(":\n")] == []


@asynccontextmanager
async def stream(host: str, query: str, *, headers: dict[str, str] | None = None, **body: Any) -> AsyncIterator[Stream]:
    asked = {"accept": "text/event-stream", **(headers or {})}
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as http,
        http.stream("POST", f"http://{host}/graphql", json={"query": query, **body}, headers=asked) as response,
    ):
        yield Stream(response)


async def test_items_carry_their_cursor_as_id_and_lines_end_with_newlines(host: str, toy: Toy) -> None:
    start = LogCursor(toy.log.horizon, 0).encode()
    toy.log.add("fire")
    async with stream(host, FEED, variables={"after": start}) as events:
        assert events.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        event = await events.event()
        assert event["event"] == "next"
        cursor = toy.log.rows[0].cursor.encode()
        assert event["id"] == cursor
        assert json.loads(event["data"]) == {"data": {"toyFeed": {"cursor": cursor, "text": "fire"}}}
        assert "\r" not in events.text


async def test_an_item_that_cannot_be_made_is_an_error_in_its_place_and_not_a_gap(
    host: str, toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def present(item: ToyItem) -> ToyFeedItem:
        if item.text == "poison":
            raise ValueError("secret of the server")
        return whole(item)

    whole = toy_module.present
    monkeypatch.setattr(toy_module, "present", present)
    start = LogCursor(toy.log.horizon, 0).encode()
    toy.log.add("poison")
    toy.log.add("fire")
    async with stream(host, FEED, variables={"after": start}) as events:
        broken, good = await events.event(), await events.event()
        assert broken["id"] == toy.log.rows[0].cursor.encode()
        said = json.loads(broken["data"])
        assert said["data"] is None
        assert len(said["errors"]) == 1
        assert "secret" not in broken["data"]
        assert json.loads(good["data"])["data"]["toyFeed"]["text"] == "fire"


async def test_last_event_id_goes_before_after(host: str, toy: Toy) -> None:
    start = LogCursor(toy.log.horizon, 0).encode()
    first = toy.log.add("one")
    toy.log.add("two")
    headers = {"last-event-id": first.cursor.encode()}
    async with stream(host, FEED, headers=headers, variables={"after": start}) as events:
        assert json.loads((await events.event())["data"])["data"]["toyFeed"]["text"] == "two"


async def test_bad_last_event_id_is_400(host: str) -> None:
    async with stream(host, FEED, headers={"last-event-id": "%%%"}) as events:
        assert events.response.status_code == 400


async def test_quiet_streams_beat(host: str) -> None:
    async with stream(host, FEED) as events:
        assert [await events.block() for _ in range(3)] == [":", ":", ":"]


async def test_query_and_finite_subscription_end_with_complete(host: str) -> None:
    async with stream(host, "{hello}") as events:
        assert (await events.event())["data"] == '{"data":{"hello":"hello world"}}'
        assert await events.event() == {"event": "complete", "data": ""}
        assert await events.ends()
    async with stream(host, "subscription{count(to:2)}") as events:
        assert [(await events.event())["event"] for _ in range(3)] == ["next", "next", "complete"]


async def test_refused_operation_is_400_json(host: str) -> None:
    async with stream(host, "{nothing}") as events:
        assert events.response.status_code == 400
        assert (await events.response.aread()).startswith(b'{"errors"')


async def test_failing_subscription_streams_its_errors(host: str) -> None:
    async with stream(host, "subscription{forbidden}") as events:
        assert json.loads((await events.event())["data"])["errors"][0]["extensions"]["code"] == "CONFLICT"
        assert (await events.event())["event"] == "complete"


async def test_peer_that_leaves_is_forgotten(host: str, toy: Toy) -> None:
    async with stream(host, FEED) as events:
        await events.block()
        await until(lambda: toy.hub.members() == {"toys": 1})
    await until(lambda: toy.hub.members() == {"toys": 0})
    await until(lambda: toy.made == toy.closed)


async def test_expired_token_ends_the_stream(host: str, toy: Toy) -> None:
    toy.gate.seconds = 0.2
    async with stream(host, FEED, headers={"authorization": "Bearer ming"}) as events:
        assert await events.ends()
    await until(lambda: toy.hub.members() == {"toys": 0})


async def test_revoked_session_ends_the_stream(toy: Toy) -> None:
    endpoint = endpoint_of(toy, schema)
    async with serving(endpoint) as host:
        async with stream(host, FEED, headers={"authorization": "Bearer ming"}) as events:
            await until(lambda: toy.hub.members() == {"toys": 1})
            toy.gate.accounts.clear()
            endpoint.access_changed(frozenset({1}))
            assert await events.ends()
        await until(lambda: toy.hub.members() == {"toys": 0})
