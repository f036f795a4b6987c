"""Trusted documents on every transport: named by id or Apollo's hash, unknown, retired, and where only they run."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import httpx
import pytest
from graphql import DocumentNode, parse

from api.execution.limits import DEVELOPER, PRODUCTION, Limits, Profile
from domain.kernel.errors import Unavailable
from tests.api.execution.serving import client, endpoint_of, serving
from tests.api.execution.toy import Toy, schema
from tests.factories.patience import PATIENCE

HELLO = "query Hello($name: String!) { hello(name: $name) }"
OTHER = "{ hello }"
NAMED = {"name": "ming"}
CERTIFICATES = ssl.create_default_context()  # read once: each client would read them anew
HELLO_MING = [{"hello": "hello ming"}]


@dataclass
class Shelf:
    """Trusted documents in memory."""

    texts: dict[bytes, str] = field(default_factory=dict)
    asked: int = 0
    away: bool = False

    def add(self, text: str) -> str:
        digest = sha256(text.encode())
        self.texts[digest.digest()] = text
        return digest.hexdigest()

    async def text(self, digest: bytes) -> str | None:
        self.asked += 1
        if self.away:
            raise Unavailable
        return self.texts.get(digest)


@dataclass
class Answer:
    """Results that carried data, and the codes of errors."""

    data: list[Any]
    codes: list[str]


def read(payloads: list[dict[str, Any]]) -> Answer:
    errors = [e for p in payloads for e in p.get("errors", ())]
    return Answer([p["data"] for p in payloads if p.get("data")], [e["extensions"]["code"] for e in errors])


def events(text: str) -> list[dict[str, Any]]:
    """The results of an event stream."""
    lines = (line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: "))
    return [json.loads(line) for line in lines]


async def by_post(host: str, payload: dict[str, Any]) -> Answer:
    async with httpx.AsyncClient(verify=CERTIFICATES, timeout=PATIENCE) as http:
        return read([(await http.post(f"http://{host}/graphql", json=payload)).json()])


def parameters(payload: dict[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in payload.items()}


async def by_get(host: str, payload: dict[str, Any]) -> Answer:
    async with httpx.AsyncClient(verify=CERTIFICATES, timeout=PATIENCE) as http:
        return read([(await http.get(f"http://{host}/graphql", params=parameters(payload))).json()])


async def by_stream(host: str, payload: dict[str, Any]) -> Answer:
    async with httpx.AsyncClient(verify=CERTIFICATES, timeout=PATIENCE) as http:
        answer = await http.post(f"http://{host}/graphql", json=payload, headers={"accept": "text/event-stream"})
    streamed = answer.headers["content-type"].startswith("text/event-stream")
    return read(events(answer.text) if streamed else [answer.json()])


async def by_socket(host: str, payload: dict[str, Any]) -> Answer:
    async with client(host) as socket:
        await socket.initialise()
        await socket.send({"id": "1", "type": "subscribe", "payload": payload})
        said = await socket.collect()
    errors = [{"errors": m["payload"]} for m in said if m["type"] == "error"]
    return read([m["payload"] for m in said if m["type"] == "next"] + errors)


Ask = Callable[[str, dict[str, Any]], Awaitable[Answer]]
TRANSPORTS = pytest.mark.parametrize("ask", [by_post, by_get, by_stream, by_socket])


def as_id(digest: str) -> dict[str, Any]:
    return {"documentId": f"sha256:{digest}"}


def as_apollo(digest: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}


NAMES = pytest.mark.parametrize("name", [as_id, as_apollo])


@asynccontextmanager
async def trusting(shelf: Shelf, *, only: bool = False, profile: Profile = DEVELOPER) -> AsyncIterator[str]:
    options = {"registry": shelf, "only_registered": only, "profile": profile}
    async with serving(endpoint_of(Toy(), schema, **options)) as host:
        yield host


@TRANSPORTS
@NAMES
@pytest.mark.parametrize("only", [False, True])
async def test_a_registered_document_runs_by_its_name(ask: Ask, name: Callable[[str], Any], only: bool) -> None:
    shelf = Shelf()
    digest = shelf.add(HELLO)
    async with trusting(shelf, only=only) as host:
        assert await ask(host, {**name(digest), "variables": NAMED}) == Answer(HELLO_MING, [])


@TRANSPORTS
@NAMES
@pytest.mark.parametrize("only", [False, True])
async def test_an_unknown_name_is_refused_and_never_stored(ask: Ask, name: Callable[[str], Any], only: bool) -> None:
    shelf = Shelf()
    digest = sha256(OTHER.encode()).hexdigest()
    async with trusting(shelf, only=only) as host:
        assert await ask(host, name(digest)) == Answer([], ["PERSISTED_QUERY_NOT_FOUND"])
        with_text = await ask(host, {**name(digest), "query": OTHER})
        assert with_text == Answer([], ["DOCUMENT_NOT_REGISTERED"]) if only else Answer([{"hello": "hello world"}], [])
        assert await ask(host, name(digest)) == Answer([], ["PERSISTED_QUERY_NOT_FOUND"])
    assert shelf.texts == {}


@TRANSPORTS
async def test_where_only_registered_documents_run_any_other_text_is_refused_unread(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def noted(text: str, **options: Any) -> DocumentNode:
        parsed.append(text)
        return parse(text, **options)

    monkeypatch.setattr("api.execution.documents.parse", noted)
    shelf = Shelf()
    shelf.add(HELLO)
    async with trusting(shelf, only=True) as host:
        for text in (OTHER, f"{HELLO} ", "{", "a" * 20_001):
            assert await ask(host, {"query": text}) == Answer([], ["DOCUMENT_NOT_REGISTERED"])
        assert parsed == []
        assert await ask(host, {"query": HELLO, "variables": NAMED}) == Answer(HELLO_MING, [])
    assert parsed == [HELLO]


@TRANSPORTS
@NAMES
async def test_a_retired_document_is_refused_although_it_was_run_before(ask: Ask, name: Callable[[str], Any]) -> None:
    shelf = Shelf()
    digest = shelf.add(HELLO)
    async with trusting(shelf, only=True) as host:
        assert (await ask(host, {**name(digest), "variables": NAMED})).data == HELLO_MING
        shelf.texts.clear()
        assert await ask(host, {**name(digest), "variables": NAMED}) == Answer([], ["PERSISTED_QUERY_NOT_FOUND"])
        assert await ask(host, {"query": HELLO, "variables": NAMED}) == Answer([], ["DOCUMENT_NOT_REGISTERED"])


@TRANSPORTS
@NAMES
@pytest.mark.parametrize("only", [False, True])
async def test_a_hash_that_is_not_the_texts_is_refused(ask: Ask, name: Callable[[str], Any], only: bool) -> None:
    shelf = Shelf()
    digest = shelf.add(HELLO)
    shelf.add(OTHER)
    async with trusting(shelf, only=only) as host:
        assert await ask(host, {**name(digest), "query": OTHER}) == Answer([], ["BAD_REQUEST"])


@TRANSPORTS
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"documentId": "sha256:abc"}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": ""}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": "{digest}"}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": "sha256:{DIGEST}"}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "{digest}\n"}}}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "{digest}"}}}, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 7}}}, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": "{digest}"}}, "BAD_REQUEST"),
        ({"documentId": "sha256:{digest}", **as_apollo("0" * 64)}, "BAD_REQUEST"),
    ],
)
async def test_what_is_no_name_is_refused(ask: Ask, payload: dict[str, Any], code: str) -> None:
    shelf = Shelf()
    digest = shelf.add(OTHER)
    text = json.dumps(payload).replace("{digest}", digest).replace("{DIGEST}", digest.upper())
    async with trusting(shelf) as host:
        assert await ask(host, json.loads(text)) == Answer([], [code])


@TRANSPORTS
async def test_a_registered_text_is_held_to_depth_and_cost_like_any_other(ask: Ask) -> None:
    shelf = Shelf()
    deep = shelf.add("{" + "node{" * 13 + "id" + "}" * 14)
    page = shelf.add("query($n: Int) { nodes(first: $n) { edges { node { id } } } }")
    options = {"registry": shelf, "profile": DEVELOPER, "limits": Limits(cost=100, budgets={})}
    async with serving(endpoint_of(Toy(), schema, **options)) as host:
        assert (await ask(host, as_id(deep))).codes == ["LIMIT_EXCEEDED"]
        assert (await ask(host, {**as_id(page), "variables": {"n": 90}})).codes == ["TOO_COSTLY"]
        assert (await ask(host, {**as_id(page), "variables": {"n": 2}})).codes == []


@TRANSPORTS
async def test_while_the_registry_cannot_be_read_nothing_that_needs_it_runs(ask: Ask) -> None:
    shelf = Shelf()
    digest = shelf.add(HELLO)
    shelf.away = True
    async with trusting(shelf, only=True) as host:
        assert await ask(host, as_id(digest)) == Answer([], ["UNAVAILABLE"])
        assert await ask(host, {"query": HELLO, "variables": NAMED}) == Answer([], ["UNAVAILABLE"])


async def test_without_names_the_registry_is_not_asked() -> None:
    shelf = Shelf(away=True)
    async with trusting(shelf) as host:
        assert (await by_post(host, {"query": OTHER})).data == [{"hello": "hello world"}]
    assert shelf.asked == 0


@pytest.mark.parametrize(("ask", "count"), [(by_stream, 3), (by_socket, 3)])
async def test_subscriptions_run_by_name(ask: Ask, count: int) -> None:
    shelf = Shelf()
    digest = shelf.add("subscription Count($to: Int!) { count(to: $to) }")
    async with trusting(shelf, only=True, profile=PRODUCTION) as host:
        answer = await ask(host, {**as_apollo(digest), "query": "", "variables": {"to": count}})
    assert answer == Answer([{"count": n} for n in range(1, count + 1)], [])


async def test_production_takes_get_for_named_documents_only_and_never_mutations() -> None:
    shelf = Shelf()
    hello, say = shelf.add(OTHER), shelf.add('mutation { say(text: "x") }')
    async with (
        trusting(shelf, profile=PRODUCTION) as host,
        httpx.AsyncClient(base_url=f"http://{host}", timeout=PATIENCE) as http,
    ):
        for allowed in (as_id(hello), as_apollo(hello)):
            answer = await http.get("/graphql", params=parameters(allowed))
            assert (answer.status_code, answer.json()) == (200, {"data": {"hello": "hello world"}})
        for refused in ({}, {"query": OTHER}, {**as_id(hello), "query": OTHER}, as_id(say), as_apollo(say)):
            assert (await http.get("/graphql", params=parameters(refused))).status_code == 405


async def test_apollo_and_urql_find_the_words_they_know_and_the_status_is_that_of_a_refused_operation() -> None:
    async with trusting(Shelf()) as host, httpx.AsyncClient(base_url=f"http://{host}", timeout=PATIENCE) as http:
        old = await http.post("/graphql", json=as_apollo("0" * 64))
        new = await http.post(
            "/graphql", json=as_apollo("0" * 64), headers={"accept": "application/graphql-response+json"}
        )
    assert old.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert (old.status_code, new.status_code) == (200, 400)
    assert "data" not in old.json()


async def test_refusals_are_counted() -> None:
    shelf = Shelf()
    endpoint = endpoint_of(Toy(), schema, registry=shelf, only_registered=True)
    async with serving(endpoint) as host:
        for payload in ({"query": OTHER}, as_id("0" * 64)):
            await by_post(host, payload)
    assert endpoint.documents_refused == 2
