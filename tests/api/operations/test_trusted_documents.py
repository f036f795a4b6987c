"""Trusted documents of the real application: registered while it runs, retired while it runs, the database away."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.trusted import AWAY_SECONDS, FRESH_SECONDS, STALE_SECONDS, TrustedDocuments
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.documents import NewDocument, register, retire
from domain.kernel.errors import Unavailable
from domain.kernel.uow import Database
from tests.factories.ingest import Ingest

AREAS = "query Areas { areas(first: 1) { edges { node { id } } } }"
DIGEST = sha256(AREAS.encode()).digest()
BY_ID = {"documentId": f"sha256:{DIGEST.hex()}"}
SYSTEM = system_actor(NOTHING)


class Ticks:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def add(database: Database) -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        await register(uow, [NewDocument(DIGEST, AREAS, "Areas")], app="test")


async def drop(database: Database) -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        await retire(uow, [DIGEST])


def codes(answer: httpx.Response) -> Sequence[str]:
    return [error["extensions"]["code"] for error in answer.json()["errors"]]


async def test_registered_and_retired_documents_act_at_the_news(ingest: Ingest) -> None:
    assert codes(await ingest.client.post("/graphql", json=BY_ID)) == ["PERSISTED_QUERY_NOT_FOUND"]
    await add(ingest.services.database)
    assert codes(await ingest.client.post("/graphql", json=BY_ID)) == ["UNAUTHENTICATED"]  # it ran, for nobody
    await drop(ingest.services.database)
    assert codes(await ingest.client.post("/graphql", json=BY_ID)) == ["PERSISTED_QUERY_NOT_FOUND"]
    metrics = (await ingest.client.get("/metrics")).text
    assert "zhian_documents_refused_total 2.0" in metrics


async def test_the_setting_leaves_registered_documents_alone(ingest: Ingest) -> None:
    object.__setattr__(ingest.services.settings, "documents", "registered")
    await add(ingest.services.database)
    transport = httpx.ASGITransport(create_app(ingest.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as http:
        assert codes(await http.post("/graphql", json={"query": "{ __typename }"})) == ["DOCUMENT_NOT_REGISTERED"]
        for payload in (BY_ID, {"query": AREAS}):
            assert codes(await http.post("/graphql", json=payload)) == ["UNAUTHENTICATED"]


async def test_without_news_a_change_is_seen_after_a_moment(database: Database) -> None:
    ticks = Ticks()
    trusted = TrustedDocuments(database, tick=ticks)
    assert await trusted.text(DIGEST) is None
    await add(database)
    assert await trusted.text(DIGEST) is None
    ticks.now += FRESH_SECONDS
    assert await trusted.text(DIGEST) == AREAS
    await drop(database)
    assert await trusted.text(DIGEST) == AREAS
    ticks.now += FRESH_SECONDS
    assert await trusted.text(DIGEST) is None
    assert len(trusted) == 0


async def test_unknown_hashes_do_not_reach_the_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted = TrustedDocuments(database, tick=Ticks())
    await trusted.text(DIGEST)
    monkeypatch.setattr(database, "reader", None)
    for number in range(100):
        assert await trusted.text(number.to_bytes(32, "big")) is None


async def test_news_while_the_table_is_read_is_not_lost(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted = TrustedDocuments(database, tick=Ticks())
    read = trusted._read

    async def overtaken() -> None:
        await read()
        monkeypatch.setattr(trusted, "_read", read)
        await add(database)
        trusted.forget()

    monkeypatch.setattr(trusted, "_read", overtaken)
    assert await trusted.text(DIGEST) is None
    assert await trusted.text(DIGEST) == AREAS


async def test_without_the_database_what_is_known_holds_for_a_while(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks()
    trusted = TrustedDocuments(database, tick=ticks)
    await add(database)
    assert await trusted.text(DIGEST) == AREAS
    read = trusted._read
    tried: list[float] = []

    async def away() -> Any:
        tried.append(ticks.now)
        raise ConnectionError

    monkeypatch.setattr(trusted, "_read", away)
    ticks.now = STALE_SECONDS - 1
    assert await trusted.text(DIGEST) == AREAS
    ticks.now += FRESH_SECONDS
    for _ in range(3):
        with pytest.raises(Unavailable):
            await trusted.text(DIGEST)
    assert tried == [STALE_SECONDS - 1, ticks.now]  # one attempt for all who ask in that moment
    monkeypatch.setattr(trusted, "_read", read)
    ticks.now += AWAY_SECONDS
    assert await trusted.text(DIGEST) == AREAS


async def test_a_database_put_back_from_a_copy_is_read_anew(database: Database) -> None:
    ticks = Ticks()
    trusted = TrustedDocuments(database, tick=ticks)
    await add(database)
    await trusted.text(DIGEST)
    trusted._revision = 99
    trusted._texts[b"gone"] = "{ gone }"
    ticks.now += FRESH_SECONDS
    assert await trusted.text(DIGEST) == AREAS
    assert await trusted.text(b"gone") is None
