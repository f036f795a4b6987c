"""The fixtures themselves: own databases, roles, and the network guard."""

from __future__ import annotations

import socket

import asyncpg
import pytest
import redis.asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def test_each_test_has_a_migrated_database_of_its_own(engine: AsyncEngine, superuser: asyncpg.Connection) -> None:
    async with engine.connect() as connection:
        role = (await connection.execute(text("select current_user"))).scalar_one()
        name = (await connection.execute(text("select current_database()"))).scalar_one()
    assert role == "zhian_app"
    assert name == await superuser.fetchval("select current_database()")
    assert await superuser.fetchval("select count(*) from alembic_version") == 1


async def test_the_login_of_the_api_is_no_superuser(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("select rolsuper or rolbypassrls from pg_roles where rolname = user") is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("set role postgres")
    finally:
        await connection.close()


async def test_durability_stays_on(owner_engine: AsyncEngine) -> None:
    async with owner_engine.connect() as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert (await connection.execute(text(f"show {name}"))).scalar_one() == "on"


async def test_valkey_answers(redis_url: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.keys("*") == []
        assert await client.set("a", 1)


async def test_an_empty_database_has_no_tables(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
    finally:
        await connection.close()


def test_the_network_is_out_of_reach() -> None:
    with socket.socket() as outside, pytest.raises(AssertionError, match="tried to reach"):
        outside.connect(("192.0.2.1", 9))
