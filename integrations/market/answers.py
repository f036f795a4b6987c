"""What published prices have in common: one request a second, a JSON object for an answer, amounts as texts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import httpx
import orjson
import structlog

from domain.community.prices.rules import MAX_FEN
from domain.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.1
"""Between two requests to one source."""
SECONDS: Final = 20.0
"""Of one request, from first byte to last."""
Sleep = Callable[[float], Awaitable[None]]
_DAY: Final = re.compile(r"(\d{4})[-/](\d{2})[-/](\d{2})(?:[ T].*)?")


async def ask(client: httpx.AsyncClient, url: str, **request: Any) -> Mapping[str, Any]:
    """POST; the JSON object that is answered. Raises Unavailable for everything else: no answer, a page of an error."""
    host = httpx.URL(url).host
    try:
        async with asyncio.timeout(SECONDS):
            response = await client.post(url, **request)
    except (httpx.HTTPError, TimeoutError) as error:
        log.warning("market.no_answer", host=host, error=type(error).__name__)
        raise Unavailable from None
    try:
        said: Any = orjson.loads(response.content) if response.is_success else None
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        log.warning("market.odd_answer", host=host, status=response.status_code, size=len(response.content))
        raise Unavailable
    return said


def day_of(said: Any) -> date | None:
    """The day in "2025-02-08 00:00:00", which sources write in their own zone and without saying so."""
    found = _DAY.fullmatch(said) if isinstance(said, str) else None
    try:
        return None if found is None else date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def hundredths_of(said: Any) -> int | None:
    """A text or number with at most two decimal places, in hundredths; None for anything else and beyond all sense."""
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return None
    try:
        value = Decimal(str(said).strip()).scaleb(2)
    except InvalidOperation:
        return None
    if not value.is_finite() or value != value.to_integral_value() or not 0 < value <= MAX_FEN:
        return None
    return int(value)


def text_of(said: Any, most: int) -> str:
    """A text without surrounding space and control characters, cut; "" for anything else."""
    if not isinstance(said, str):
        return ""
    return "".join(sign for sign in said.strip() if sign.isprintable())[:most]
