"""The last answer: whatever escapes a handler is told without a word of it, and stands in the log under an id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from api.protection import Protection, not_served
from api.requests import RequestId

SECRET = "select phone from account where phone = '+8613900000001'"


def client(handler: Callable[[Request], Awaitable[Response]], *, secure: bool = False) -> httpx.AsyncClient:
    """A client of ``handler`` behind the middleware of the application."""
    app = Starlette(
        routes=[Route("/graphql", handler), Route("/here", handler)],
        middleware=[Middleware(RequestId), Middleware(Protection, secure=secure)],
        exception_handlers={HTTPException: not_served},
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://zhian.test")


async def test_what_escapes_is_an_id_and_nothing_more() -> None:
    async def fails(_: Request) -> Response:
        raise RuntimeError(SECRET)

    async with client(fails) as web:
        with structlog.testing.capture_logs() as lines:
            answer = await web.get("/here", headers={"X-Request-Id": "front-0123456789"})

    assert answer.status_code == 500
    assert answer.json() == {"code": "INTERNAL", "kind": "internal", "id": "front-0123456789"}
    assert answer.headers["x-request-id"] == "front-0123456789"
    assert answer.headers["x-content-type-options"] == "nosniff"
    (line,) = [line for line in lines if line["event"] == "request_failed"]
    assert (line["error"], line["log_level"]) == ("RuntimeError", "error")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("db.internal:5432"),
        DBAPIError(SECRET, {}, OSError("db.internal")),
        NoConnectionFree("QueuePool limit of size 5"),
    ],
    ids=["socket", "driver", "pool"],
)
async def test_a_database_that_is_away_is_503_with_a_time_to_come_again(error: Exception) -> None:
    async def fails(_: Request) -> Response:
        raise error

    async with client(fails) as web:
        answer = await web.get("/here")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json() == {"code": "UNAVAILABLE", "kind": "unavailable"}


async def test_graphql_is_told_as_graphql_in_the_callers_language() -> None:
    async def fails(_: Request) -> Response:
        raise RuntimeError(SECRET)

    async with client(fails) as web:
        answer = await web.get("/graphql", headers={"Accept-Language": "en", "X-Request-Id": "front-0123456789"})

    assert answer.status_code == 500
    assert answer.json() == {
        "errors": [
            {
                "message": "Internal error (front-0123456789)",
                "extensions": {"code": "INTERNAL", "kind": "internal", "id": "front-0123456789"},
            }
        ]
    }


async def test_an_answer_that_has_begun_is_cut_and_not_finished_with_another() -> None:
    async def fails(_: Request) -> Response:
        async def parts() -> object:
            yield b"half"
            raise RuntimeError(SECRET)

        return StreamingResponse(parts())  # type: ignore[arg-type]

    async with client(fails) as web:
        with pytest.raises(RuntimeError, match="select phone"):
            await web.get("/here")


async def test_what_an_answer_says_of_itself_stays() -> None:
    async def says(_: Request) -> Response:
        return PlainTextResponse(
            "x", headers={"Cache-Control": "public, max-age=300", "Content-Security-Policy": "own"}
        )

    async with client(says) as web:
        answer = await web.get("/here")

    assert answer.headers.get_list("cache-control") == ["public, max-age=300"]
    assert answer.headers.get_list("content-security-policy") == ["own"]
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_page_may_load_what_it_names_and_never_be_framed() -> None:
    async def page(_: Request) -> Response:
        return HTMLResponse("<html></html>")

    async with client(page) as web:
        policy = (await web.get("/here")).headers["content-security-policy"]

    assert "default-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy


@pytest.mark.parametrize(("secure", "told"), [(True, "max-age=31536000; includeSubDomains"), (False, None)])
async def test_browsers_are_told_to_stay_with_https_where_it_is_spoken(secure: bool, told: str | None) -> None:
    async def says(_: Request) -> Response:
        return PlainTextResponse("x")

    async with client(says, secure=secure) as web:
        answers = [await web.get("/here"), await web.get("/nowhere")]

    assert [answer.headers.get("strict-transport-security") for answer in answers] == [told, told]
