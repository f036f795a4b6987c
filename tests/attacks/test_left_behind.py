"""An operation that fails half-way takes its other half with it: nothing reads on after the answer is out."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.actor import NOTHING, HomeRole
from domain.kernel.uow import Reader, ReaderClosed
from tests.attacks.target import Target

HALF = "{areas(first:1){edges{cursor}} alerts(first:1){edges{cursor}} deadLetters(first:1){edges{cursor}}}"


async def test_a_closed_reader_opens_no_connection(engine: AsyncEngine) -> None:
    reader = Reader(engine, NOTHING)
    await reader.close()
    with pytest.raises(ReaderClosed):
        await reader.rows(text("select 1"))
    assert engine.pool.checkedout() == 0


async def test_a_read_cancelled_in_a_statement_ends_quietly_and_gives_its_connection_back(engine: AsyncEngine) -> None:
    reader = Reader(engine, NOTHING)
    await reader.rows(text("select 1"))
    reading = asyncio.create_task(reader.rows(text("select pg_sleep(60)")))
    await asyncio.wait({reading}, timeout=0.1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    await reader.close()

    assert engine.pool.checkedout() == 0


def test_a_refused_field_leaves_no_connection_of_its_neighbours(target: Target) -> None:
    """A refusal without waiting answers before the fields beside it have read; each kept a connection for good."""
    token = target.token(target.run(target.world.living_in("a112/2", HomeRole.OWNER)))
    for _ in range(30):
        status, body = target.ask(HALF, token=token)
        assert status == 200
        assert b"NOT_FOUND" in body

    async def held() -> int:
        for _ in range(100):
            await asyncio.sleep(0)
        return int(target.services.engine.pool.checkedout())

    assert target.run(held()) == 0
