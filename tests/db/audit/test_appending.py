"""Appending: numbers without gaps under concurrency, with the change or not at all, in one order of chains."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.identity.audit.verification import Auditing
from domain.kernel.actor import NOTHING, Actor, Scope, system_actor
from domain.kernel.acts import Act
from domain.kernel.uow import Database
from integrations.postgres import create_engine
from tests.db.audit.kit import CHAIN, SOMEBODY, WORKER, Where, act, acted, named
from tests.factories.database import at
from tests.factories.patience import PATIENCE
from tests.factories.servers import Servers

NUMBERS = "select chain, sequence, action, account_id, details->>'account' from audit_entry order by chain, sequence"


async def rows(superuser: asyncpg.Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await superuser.fetch(NUMBERS)]


async def test_an_act_stands_in_the_log_with_the_change_and_says_who(
    database: Database, superuser: asyncpg.Connection
) -> None:
    async with database.unit_of_work(SOMEBODY, request_id="r-12345678") as uow:
        uow.record("role.granted", "RoleGrant", 3, where=Where(), homes=(2, 1, 2), details={"account": 8})
    row = await superuser.fetchrow("select * from audit_entry")
    assert {name: row[name] for name in set(row.keys()) - {"at", "hash", "previous"}} == {
        "chain": CHAIN,
        "sequence": 1,
        "county_id": 1,
        "town_id": 2,
        "community_id": 3,
        "compound_id": CHAIN,
        "homes": [1, 2],
        "actor": "account",
        "roles": ["guest"],
        "account_id": 5,
        "session_id": 6,
        "action": "role.granted",
        "object_type": "RoleGrant",
        "object_id": "3",
        "details": '{"account": 8}',
        "request_id": "r-12345678",
    }
    assert row["previous"] == bytes(32)


async def test_what_is_rolled_back_was_never_said(database: Database, superuser: asyncpg.Connection) -> None:
    async def fail() -> None:
        async with database.unit_of_work(SOMEBODY) as uow:
            uow.record("role.granted", where=Where())
            await uow.flush_acts()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await rows(superuser) == []
    assert await superuser.fetchval("select count(*) from audit_head") == 0


async def test_where_the_log_cannot_be_written_nothing_is_changed(
    database: Database, superuser: asyncpg.Connection
) -> None:
    await superuser.execute("revoke execute on function zhian_audit_append(int[], text[]) from zhian_app")

    async def change() -> None:
        async with database.unit_of_work(WORKER) as uow:
            await uow.session.execute(text("insert into rate_limit values ('n', 's', now())"))
            uow.record("role.granted")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await change()
    assert await superuser.fetchval("select count(*) from rate_limit") == 0


async def test_fifty_writers_at_once_leave_no_gap(
    database_url: str, superuser: asyncpg.Connection, auditing: Auditing
) -> None:
    engine = create_engine(database_url, pool_size=50)
    try:
        database = Database(engine)

        async def write(number: int) -> None:
            for turn in range(4):
                async with database.unit_of_work(SOMEBODY) as uow:
                    await uow.session.execute(text("select 1"))
                    uow.record("alert.assigned", where=Where(), details={"account": number})
                    uow.record("alert.assigned", where=Where(8 - turn % 2), details={"account": number})

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(write(number) for number in range(50)))
    finally:
        await engine.dispose()
    found = await rows(superuser)
    assert [row[1] for row in found if row[0] == CHAIN] == list(range(1, 301))
    assert [row[1] for row in found if row[0] == 8] == list(range(1, 101))
    assert await named(auditing) == await named(auditing, 8) == []


async def test_two_chains_in_one_unit_are_taken_in_one_order(database_url: str, auditing: Auditing) -> None:
    """Written in the orders 8, 7 and 7, 8, two at a time: no deadlock."""
    engine = create_engine(database_url, pool_size=8)
    try:

        async def write(order: tuple[int, int]) -> None:
            for _ in range(10):
                await Database(engine).record(SOMEBODY, [act(1, chain) for chain in order])

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(write(order) for order in ((8, 7), (7, 8)) * 4))
    finally:
        await engine.dispose()
    assert await named(auditing) == await named(auditing, 8) == []
    assert (await auditing.check(8)).rows == 80


async def test_a_writer_killed_before_its_commit_leaves_neither_row_nor_lock(
    servers: Servers, database_url: str, engine: AsyncEngine, superuser: asyncpg.Connection, auditing: Auditing
) -> None:
    await acted(engine, 2)
    victim = await asyncpg.connect(at(servers.superuser_url, urlsplit(database_url).path.strip("/")))
    await victim.execute("begin")
    line = act(3).line(SOMEBODY, Database(engine).clock(), "")
    await victim.execute("select zhian_audit_append($1, $2)", [CHAIN], [line])
    waiting = asyncio.create_task(acted(engine, 1))
    while not await superuser.fetchval("select exists (select from pg_locks where not granted)"):  # noqa: ASYNC110 - the lock tells nobody
        await asyncio.sleep(0)
    assert not waiting.done()
    await superuser.execute("select pg_terminate_backend($1)", victim.get_server_pid())
    await asyncio.wait_for(waiting, PATIENCE)
    assert [row[1] for row in await rows(superuser)] == [1, 2, 3]
    assert await named(auditing) == []


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (NOTHING, 0),
        (Scope(counties=(1,)), 2),
        (Scope(counties=(9,)), 0),
        (Scope(communities=(3,)), 2),
        (Scope(compounds=(CHAIN,)), 1),
        (Scope(homes=(11,)), 2),
        (Scope(homes=(13,)), 0),
        (Scope(neighbourhoods=(CHAIN,)), 0),
        (Scope(account=5), 3),
        (Scope(account=6), 0),
    ],
)
async def test_each_scope_reads_its_part(database: Database, engine: AsyncEngine, scope: Scope, seen: int) -> None:
    for chain in (CHAIN, 8, 0):
        await Database(engine).record(SOMEBODY, [act(1, chain) if chain else bare()])
    async with database.reader(scope) as reader:
        assert await reader.scalar(text("select count(*) from audit_entry")) == seen


def bare() -> Act:
    """An act of no place and no home."""
    return Act("session.started", "Session", 6)


async def test_the_owner_sees_no_row_and_the_auditor_only_on_purpose(
    engine: AsyncEngine, superuser: asyncpg.Connection
) -> None:
    await acted(engine, 2)
    for role, setting, seen in (("owner", "", 0), ("owner", "all", 0), ("auditor", "", 0), ("auditor", "all", 2)):
        async with superuser.transaction():
            await superuser.execute(f"set local role zhian_{role}")
            await superuser.execute(f"set local app.audit = '{setting}'")
            assert await superuser.fetchval("select count(*) from audit_entry") == seen, (role, setting)


async def test_nobody_but_an_account_has_an_account(engine: AsyncEngine, superuser: asyncpg.Connection) -> None:
    for actor in (WORKER, system_actor(Scope(counties=(1,))), Actor(SOMEBODY.kind, account_id=5)):
        await Database(engine).record(actor, [act(1)])
    assert [tuple(row) for row in await superuser.fetch("select actor, account_id from audit_entry")] == [
        ("system", None),
        ("system", None),
        ("account", 5),
    ]
