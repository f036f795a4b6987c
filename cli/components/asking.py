"""Asking others over HTTP: whoever does not answer well has not answered, and nothing is known then."""

from __future__ import annotations

import ssl
from typing import Any, Final

import httpx

TIMEOUT_SECONDS: Final = 30.0
CONNECTIONS: Final = 8


class Unanswered(Exception):
    """Somebody who was asked gave no answer, or none that can be read; the text says who and why."""


def client() -> httpx.AsyncClient:
    """A client that goes where the environment's proxies lead and believes the machine's own certificates."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits, verify=ssl.create_default_context())


async def asked(http: httpx.AsyncClient, method: str, url: str, **request: Any) -> dict[str, Any]:
    """The JSON object that is answered with 200. Raises Unanswered."""
    try:
        answer = await http.request(method, url, **request)
    except httpx.HTTPError as error:
        raise Unanswered(f"{url}: {type(error).__name__} {error}".rstrip()) from error
    if answer.status_code != httpx.codes.OK:
        raise Unanswered(f"{url} answers {answer.status_code}")
    try:
        said = answer.json()
    except ValueError as error:
        raise Unanswered(f"{url} does not answer in JSON") from error
    if not isinstance(said, dict):
        raise Unanswered(f"{url} answers something else")
    return said
