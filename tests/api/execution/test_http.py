"""GraphQL over HTTP against a real server: what is refused, with which status, and what is never shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from starlette.responses import HTMLResponse

from api.execution.limits import PRODUCTION
from tests.api.execution.serving import endpoint_of, serving
from tests.api.execution.toy import Toy, schema
from tests.factories.patience import PATIENCE

NEW = {"accept": "application/graphql-response+json"}


@pytest.fixture
async def http(host: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{host}", timeout=PATIENCE) as client:
        yield client


async def ask(http: httpx.AsyncClient, query: str, *, headers: dict[str, str] | None = None, **body: Any) -> Any:
    return await http.post("/graphql", json={"query": query, **body}, headers=headers)


def codes(response: httpx.Response) -> list[str]:
    return [e["extensions"]["code"] for e in response.json()["errors"]]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/graphql-response+json", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json", "application/graphql-response+json"),
        ("application/graphql-response+json;q=0.5, application/json", "application/json"),
        ("application/graphql-response+json;q=0, */*", "application/json"),
        ("application/json;q=0, */*;q=0.1", "application/graphql-response+json"),
        ("text/event-stream, application/json;q=0.1", "application/json"),
    ],
)
async def test_accept_is_negotiated_by_weight(http: httpx.AsyncClient, accept: str | None, answered: str) -> None:
    if accept is None:
        http.headers.pop("accept")
    response = await ask(http, "{hello}", headers={"accept": accept} if accept else None)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"
    assert response.json() == {"data": {"hello": "hello world"}}


async def test_nothing_acceptable_is_406(http: httpx.AsyncClient) -> None:
    assert (await ask(http, "{hello}", headers={"accept": "text/csv"})).status_code == 406


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{hello}", "application/graphql", 415),
        (b"query=%7Bhello%7D", "application/x-www-form-urlencoded", 415),
        (b'{"query":"{hello}"}', "text/plain", 415),
        (b'{"query":"{hello}"}', "application/json; charset=gbk", 415),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'[{"query":"{hello}"}]', "application/json", 400),
        (b'"x"', "application/json", 400),
        (b'{"query":1}', "application/json", 400),
        (b'{"query":"{hello}","variables":[1]}', "application/json", 400),
        (b'{"query":"{hello}","variables":' + b'{"a":' * 41 + b"1" + b"}" * 42, "application/json", 400),
        (b"[" * 100_000, "application/json", 413),
        (b" " * 1_000_001, "application/json", 413),
    ],
    ids=[
        "graphql-body",
        "form",
        "text",
        "charset",
        "not-json",
        "not-text",
        "batch",
        "not-object",
        "query-number",
        "variables-list",
        "deep-variables",
        "deep-json",
        "big",
    ],
)
async def test_what_is_no_request_is_refused(
    http: httpx.AsyncClient, body: bytes, content_type: str, status: int
) -> None:
    response = await http.post("/graphql", content=body, headers={"content-type": content_type})
    assert response.status_code == status
    assert codes(response) == ["BAD_REQUEST"]


async def test_a_body_without_length_is_cut_at_the_cap(http: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(60):
            sent += 1
            yield b" " * 1_000_000

    response = None
    with suppress(httpx.TransportError):  # the server hung up while we were still sending: as good
        response = await http.post("/graphql", content=endless(), headers={"content-type": "application/json"})
    assert sent < 60
    assert response is None or response.status_code == 413


async def test_mutation_by_get_is_405_and_does_nothing(http: httpx.AsyncClient, toy: Toy) -> None:
    response = await http.get("/graphql", params={"query": 'mutation{say(text:"x")}'})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert toy.log.rows == []


async def test_subscription_by_plain_post_is_refused_with_the_way(http: httpx.AsyncClient) -> None:
    response = await ask(http, "subscription{count}")
    assert response.status_code == 400
    assert "text/event-stream" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("query", ["{nothing}", "{", "query($n:Int!){nodes(first:$n){__typename}}"])
async def test_refused_operations_are_400_without_data_in_the_new_media_type(
    http: httpx.AsyncClient, query: str
) -> None:
    new, old = await ask(http, query, headers=NEW), await ask(http, query)
    assert (new.status_code, old.status_code) == (400, 200)
    assert "data" not in new.json()
    assert "data" not in old.json()


async def test_unknown_exception_is_masked_and_domain_error_is_shown(http: httpx.AsyncClient) -> None:
    response = await ask(http, "{secret taken hello}")
    answer = response.json()
    assert "12345" not in response.text
    assert answer["data"] == {"secret": None, "taken": None, "hello": "hello world"}
    by_path = {e["path"][0]: e["extensions"] for e in answer["errors"]}
    assert by_path["secret"]["code"] == "INTERNAL"
    assert by_path["taken"] == {"code": "CONFLICT", "kind": "conflict", "field": "slot"}


async def test_errors_are_capped_at_five_and_suggest_nothing(http: httpx.AsyncClient) -> None:
    many = await ask(http, "{" + " ".join(f"helo{n}" for n in range(9)) + "}")
    assert len(many.json()["errors"]) == 5
    near = await ask(http, "{helo}")
    assert "Did you mean" not in near.text
    assert "hello" not in near.text


async def test_bad_token_is_401_and_every_context_is_closed(http: httpx.AsyncClient, toy: Toy) -> None:
    refused = await ask(http, "{viewer}", headers={"authorization": "Bearer nobody"})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert (await ask(http, "{viewer}", headers={"authorization": "Bearer ming"})).json() == {"data": {"viewer": 1}}
    assert (await ask(http, "{viewer}")).json() == {"data": {"viewer": None}}
    assert toy.made == toy.closed == 3


async def test_page_is_shown_to_browsers_only() -> None:
    async with (
        serving(endpoint_of(Toy(), schema, profile=PRODUCTION, page=lambda: HTMLResponse("<html>"))) as host,
        httpx.AsyncClient(base_url=f"http://{host}", timeout=PATIENCE) as http,
    ):
        page = await http.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"})
        assert (page.status_code, page.content) == (200, b"<html>")
        assert (await http.get("/graphql", params={"query": "{hello}"})).status_code == 405
        assert (await http.get("/graphql")).status_code == 405
