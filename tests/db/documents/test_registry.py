"""The table of trusted documents: what is good, who comes first, and that nobody who follows it misses a change."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError

from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.documents import (
    Changes,
    NewDocument,
    changes_after,
    known_documents,
    newest_revision,
    register,
    retire,
)
from domain.kernel.uow import Database, News

SYSTEM = system_actor(NOTHING)
A, B = "query A { viewer { id } }", "query B { viewer { id } }"


def new(text: str) -> NewDocument:
    return NewDocument(digest(text), text, text.split()[1])


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


async def add(database: Database, *texts: str, app: str = "") -> frozenset[bytes]:
    async with database.unit_of_work(SYSTEM) as uow:
        return await register(uow, [new(text) for text in texts], app=app)


async def drop(database: Database, *texts: str) -> frozenset[bytes]:
    async with database.unit_of_work(SYSTEM) as uow:
        return await retire(uow, [digest(text) for text in texts])


async def after(database: Database, revision: int) -> Changes:
    async with database.reader(NOTHING) as reader:
        assert await newest_revision(reader) >= revision
        return await changes_after(reader, revision)


async def test_registering_is_said_once_and_retiring_once(database: Database) -> None:
    assert await add(database, A, B, A) == {digest(A), digest(B)}
    assert await add(database, A) == frozenset()
    assert await drop(database, A) == {digest(A)}
    assert await drop(database, A) == frozenset()
    assert await add(database, A, B) == {digest(A)}
    assert await add(database) == frozenset()


async def test_what_was_registered_and_retired_is_on_record(database: Database, superuser: asyncpg.Connection) -> None:
    await add(database, A, B, app="staff")
    await add(database, A)
    await drop(database, A)
    await drop(database, A)
    rows = await superuser.fetch("select action, chain, actor, details from audit_entry order by sequence")
    both = sorted((digest(A).hex(), digest(B).hex()))
    assert [(row["action"], json.loads(row["details"])) for row in rows] == [
        ("documents.registered", {"app": "staff", "ids": both}),
        ("documents.retired", {"ids": [digest(A).hex()]}),
    ]
    assert {(row["chain"], row["actor"]) for row in rows} == {(0, "system")}


async def test_changes_are_told_from_any_revision_on(database: Database) -> None:
    assert await after(database, 0) == Changes(0, {}, frozenset())
    await add(database, A, B)
    first = await after(database, 0)
    assert first.texts == {digest(A): A, digest(B): B}
    await drop(database, A)
    second = await after(database, first.revision)
    assert (second.texts, second.retired) == ({}, frozenset({digest(A)}))
    assert await after(database, second.revision) == Changes(second.revision, {}, frozenset())


async def test_a_change_is_news_and_no_change_is_none(database: Database) -> None:
    said: list[News] = []

    async def wake(news: News) -> None:
        said.append(news)

    told = Database(database.engine, wake=wake)
    await add(told, A)
    await add(told, A)
    await drop(told, A)
    await drop(told, A)
    assert said == [News(frozenset({"documents"}))] * 2


async def test_the_database_takes_no_text_under_another_hash(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.unit_of_work(SYSTEM) as uow:
            await register(uow, [NewDocument(digest(B), A, "A")], app="")


async def test_the_list_has_everything_but_the_texts(database: Database) -> None:
    await add(database, A, app="resident")
    await add(database, B)
    await drop(database, A)
    async with database.reader(NOTHING) as reader:
        rows = await known_documents(reader)
    assert [(r.app, r.operations, r.characters, r.retired_at is None) for r in rows] == [
        ("", "B", len(B), True),
        ("resident", "A", len(A), False),
    ]
    assert not any(hasattr(row, "text") for row in rows)


async def test_the_application_deletes_none(database: Database, superuser: asyncpg.Connection) -> None:
    granted = await superuser.fetch(
        "select privilege_type from information_schema.role_table_grants"
        " where table_name = 'trusted_document' and grantee = 'zhian_app'"
    )
    assert {row[0] for row in granted} == {"SELECT", "INSERT", "UPDATE"}


async def test_a_writer_that_commits_late_hides_nothing_from_a_follower(database: Database) -> None:
    """Revisions are committed in their order: the second writer waits for the first one's commit."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with database.unit_of_work(SYSTEM) as uow:
            await register(uow, [new(A)], app="")
            began.set()
            await go_on.wait()

    first = asyncio.create_task(slow())
    await began.wait()
    second = asyncio.create_task(add(database, B))
    done, _ = await asyncio.wait([second], timeout=0.2)
    seen = await after(database, 0)
    assert not done
    assert seen.texts == {}
    go_on.set()
    await asyncio.gather(first, second)
    assert (await after(database, seen.revision)).texts == {digest(A): A, digest(B): B}


@pytest.mark.parametrize("rounds", [8])
async def test_registering_and_retiring_at_once_end_in_one_of_the_two(database: Database, rounds: int) -> None:
    for _ in range(rounds):
        await asyncio.gather(add(database, A, B), drop(database, A), add(database, A), drop(database, B, A))
        changes = await after(database, 0)
        assert changes.texts.keys() | changes.retired == {digest(A), digest(B)}
        assert not changes.texts.keys() & changes.retired
    revisions = {await newest(database) for _ in range(2)}
    assert len(revisions) == 1


async def newest(database: Database) -> int:
    async with database.reader(NOTHING) as reader:
        return await newest_revision(reader)
