"""Coroutines begun at once: done without waiting, or waited for like any other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.eager import Done, begin


async def test_what_waits_for_nothing_is_done() -> None:
    async def five() -> int:
        return 5

    assert begin(five()) == Done(5)


async def test_what_fails_at_once_raises_from_begin() -> None:
    async def fails() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        begin(fails())


async def test_the_rest_hears_answers_errors_and_its_end() -> None:
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()

    async def work() -> list[Any]:
        heard: list[Any] = [await first]
        try:
            await second
        except LookupError as error:
            heard.append(type(error))
        return heard

    rest = begin(work())
    assert not isinstance(rest, Done)
    loop.call_soon(first.set_result, "one")
    loop.call_soon(second.set_exception, LookupError())

    assert await rest == ["one", LookupError]


async def test_the_rest_is_cancelled_like_any_other() -> None:
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    cleaned = False

    async def work() -> None:
        nonlocal cleaned
        try:
            await never
        finally:
            cleaned = True

    rest = begin(work())
    assert not isinstance(rest, Done)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await rest
    assert cleaned
