"""Every address of the application, whatever it answers: protective headers, no cookie, no method but its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.factories.api import schema
from tests.factories.ingest import Ingest, plain_logs, running, settings_for

PATHS = (
    "/graphql",
    "/healthz",
    "/readyz",
    "/metrics",
    "/devices/me",
    "/devices/events",
    "/devices/hikvision",
    "/devices/hikvision/1/x",
    "/pictures/1/" + "ab" * 32,
    "/.well-known/jwks.json",
    "/nowhere",
    "/.git/config",
    "/docs/",
    "/..%2f..%2fetc%2fpasswd",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "FOO")
FORBIDDEN = ("PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "FOO")


@pytest.fixture
async def production(
    database_url: str, tmp_path: Path, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ingest]:
    """The application as it is deployed, behind https."""
    monkeypatch.setattr("api.app.build_schema", schema)  # once for all tests
    settings = settings_for(database_url, tmp_path, ZHIAN_PROFILE="production", ZHIAN_PUBLIC_URL="https://zhian.test")
    with plain_logs():
        async with running(settings, superuser) as made:
            yield made


async def test_every_answer_is_protected_and_sets_no_cookie(production: Ingest) -> None:
    for path in PATHS:
        for method in METHODS:
            answer = await production.client.request(method, path)
            at = f"{method} {path} {answer.status_code}"
            headers = answer.headers
            assert headers["x-content-type-options"] == "nosniff", at
            assert headers["referrer-policy"] == "no-referrer", at
            assert headers["cross-origin-resource-policy"] == "same-origin", at
            assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains", at
            assert "frame-ancestors 'none'" in headers["content-security-policy"], at
            assert "set-cookie" not in headers, at
            assert "server" not in headers, at
            expected = "public, max-age=300" if path.endswith("jwks.json") and answer.is_success else "no-store"
            assert headers.get_list("cache-control") == [expected], at
            if answer.content:
                kind = headers["content-type"]
                assert kind.startswith(("application/", "text/plain; ")), at
                assert not kind.startswith("text/") or "charset=utf-8" in kind, at


async def test_only_the_methods_of_an_address_are_served(production: Ingest) -> None:
    for path in PATHS:
        for method in FORBIDDEN:
            answer = await production.client.request(method, path)
            assert answer.status_code in (404, 405), f"{method} {path}"


@pytest.mark.parametrize("path", ["/nowhere", "/.git/config", "/docs/", "/keys/vault.json", "/graphql/"])
async def test_what_is_not_there_is_told_in_one_word(production: Ingest, path: str) -> None:
    answer = await production.client.get(path)

    assert (answer.status_code, answer.json()) == (404, {"code": "NOT_FOUND"})
    assert "location" not in answer.headers


async def test_a_wrong_method_is_told_with_the_right_ones(production: Ingest) -> None:
    answer = await production.client.delete("/devices/events")

    assert (answer.status_code, answer.json()) == (405, {"code": "METHOD_NOT_ALLOWED"})
    assert answer.headers["allow"] == "POST"


async def test_nobody_else_s_page_is_let_in(production: Ingest) -> None:
    asked = {"Origin": "https://elsewhere.test", "Access-Control-Request-Method": "POST"}

    for path in PATHS:
        answer = await production.client.options(path, headers=asked)
        assert "access-control-allow-origin" not in answer.headers, path
    keys = await production.client.get("/.well-known/jwks.json", headers={"Origin": "https://elsewhere.test"})
    assert keys.headers["access-control-allow-origin"] == "*"
