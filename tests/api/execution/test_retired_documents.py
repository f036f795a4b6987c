"""A subscription ends when its document is retired, on both transports, and no other does."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any

import pytest

from api.execution.limits import Limits
from api.execution.standing import Standing
from domain.kernel.errors import Unavailable
from tests.api.execution.serving import client, endpoint_of, serving, until
from tests.api.execution.test_sse import stream
from tests.api.execution.test_trusted_documents import Shelf
from tests.api.execution.toy import Toy, schema
from tests.factories.patience import PATIENCE

FEED, SILENCE = "subscription { toyFeed { text } }", "subscription { silence }"
ENDED = {
    "message": "The document is no longer registered",
    "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
}


def by_id(text: str) -> dict[str, Any]:
    return {"documentId": f"sha256:{sha256(text.encode()).hexdigest()}"}


def running(toy: Toy) -> int:
    return toy.running + toy.hub.members()["toys"]


@pytest.mark.parametrize("text", [FEED, SILENCE])
@pytest.mark.parametrize("only", [False, True])
async def test_a_socket_hears_that_its_document_is_gone_and_keeps_its_other_subscriptions(
    toy: Toy, text: str, only: bool
) -> None:
    shelf, other = Shelf(), SILENCE if text == FEED else FEED
    shelf.add(text)
    shelf.add(other)
    endpoint = endpoint_of(toy, schema, registry=shelf, only_registered=only)
    async with serving(endpoint) as host, client(host) as peer:
        await peer.initialise()
        for id_, payload in (("1", by_id(text)), ("2", {"query": text}), ("3", by_id(other))):
            await peer.send({"id": id_, "type": "subscribe", "payload": payload})
        await until(lambda: running(toy) == 3)
        shelf.texts.pop(sha256(text.encode()).digest())
        endpoint.documents_changed()
        ended = [await peer.receive() for _ in range(1 + only)]
        assert {message["id"] for message in ended} == ({"1", "2"} if only else {"1"})
        assert all(message["type"] == "error" and message["payload"] == [ENDED] for message in ended)
        await until(lambda: running(toy) == 2 - only)
        await peer.send({"id": "1", "type": "subscribe", "payload": by_id(other)})  # the id is free again
        await until(lambda: running(toy) == 3 - only)


@pytest.mark.parametrize("text", [FEED, SILENCE])
async def test_an_event_stream_ends_with_its_document(toy: Toy, text: str) -> None:
    shelf = Shelf()
    shelf.add(text)
    endpoint = endpoint_of(toy, schema, registry=shelf)
    async with serving(endpoint) as host, stream(host, "", **by_id(text)) as events:
        await until(lambda: running(toy) == 1)
        shelf.texts.clear()
        endpoint.documents_changed()
        assert ENDED["message"] in str(await events.event())
        assert (await events.event())["event"] == "complete"
        assert await events.ends()
    await until(lambda: running(toy) == 0)


async def test_without_news_it_ends_at_the_next_look(toy: Toy) -> None:
    shelf = Shelf()
    shelf.add(SILENCE)
    endpoint = endpoint_of(toy, schema, registry=shelf, limits=Limits(recheck_seconds=0.05))
    async with serving(endpoint) as host, client(host) as peer:
        await peer.initialise()
        await peer.send({"id": "1", "type": "subscribe", "payload": by_id(SILENCE)})
        await until(lambda: toy.running == 1)
        shelf.texts.clear()
        assert (await peer.receive())["payload"] == [ENDED]


async def test_while_nobody_can_say_what_is_registered_it_goes_on() -> None:
    shelf, ended, asked = Shelf(away=True), list[str](), asyncio.Event()

    async def still_runs(digest: bytes) -> bool:
        asked.set()
        return await shelf.text(digest) is not None

    standing = Standing(still_runs, recheck_seconds=60)
    removes = [standing.add(b"a", lambda: ended.append("a")), standing.add(b"b", lambda: ended.append("b"))]
    with pytest.raises(Unavailable):
        await shelf.text(b"a")
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
    assert ended == []
    shelf.away = False
    standing.changed()
    await until(lambda: sorted(ended) == ["a", "b"])
    for remove in (*removes, *removes):
        remove()
    assert len(standing) == 0


async def test_after_nobody_could_say_it_is_looked_at_again_without_news() -> None:
    asked, gone, ended = 0, False, asyncio.Event()

    async def still_runs(_: bytes) -> bool:
        nonlocal asked
        asked += 1
        if not gone:
            raise Unavailable
        return False

    standing = Standing(still_runs, recheck_seconds=0.01)
    remove = standing.add(b"a", ended.set)
    await until(lambda: asked >= 3)
    assert not ended.is_set()
    gone = True
    async with asyncio.timeout(PATIENCE):
        await ended.wait()
    remove()


async def test_what_ends_by_itself_is_looked_after_no_longer(toy: Toy) -> None:
    shelf = Shelf()
    shelf.add("subscription { count(to: 2) }")
    endpoint = endpoint_of(toy, schema, registry=shelf)
    async with serving(endpoint) as host, client(host) as peer:
        await peer.initialise()
        for text in (FEED, "subscription { count(to: 2) }"):
            shelf.add(text)
        await peer.send({"id": "1", "type": "subscribe", "payload": by_id("subscription { count(to: 2) }")})
        assert (await peer.collect())[-1]["type"] == "complete"
        await peer.send({"id": "1", "type": "subscribe", "payload": by_id(FEED)})
        await until(lambda: running(toy) == 1)
        assert len(endpoint._wiring.standing) == 1
        await peer.send({"id": "1", "type": "complete"})
        await until(lambda: len(endpoint._wiring.standing) == 0)
