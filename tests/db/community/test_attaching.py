"""Attaching pictures: one's own, once, in order, into the place of the thing."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from domain.community.uploads.errors import TooManyPictures
from domain.community.uploads.queries import attachments_of, uploads_by_id
from domain.community.uploads.rules import Subject
from domain.community.uploads.service import attach, keep_upload
from domain.estate.queries import compound_place
from domain.identity.policies import Place, SecondFactor
from domain.identity.queries import identity_scope, resolve_actor
from domain.kernel.actor import ANONYMOUS, Actor, Role
from domain.kernel.errors import NotFound
from domain.kernel.pictures import StoredPicture
from domain.kernel.uow import Database, UnitOfWork
from tests.factories.clock import Clock
from tests.factories.world import Person, World


async def resident(world: World, home: str = "a111/1") -> Actor:
    """Somebody living in ``home``."""
    return await acting(world, await world.living_in(home))


async def worker(world: World, compound: str) -> Actor:
    """Somebody working in ``compound``."""
    return await acting(world, await world.with_role(Role.SERVICE_WORKER, compound))


async def acting(world: World, person: Person) -> Actor:
    """``person`` as the API makes an actor of them."""
    session = await world.session(person)
    async with world.database.reader(identity_scope(session.account_id)) as reader:
        found = await resolve_actor(
            reader,
            account_id=session.account_id,
            session_id=session.session_id,
            token_version=session.token_version,
            now=world.database.clock(),
            second_factor=SecondFactor.OPTIONAL,
        )
    return found.actor


async def sent(database: Database, actor: Actor, count: int = 1) -> list[int]:
    """Uploads of the actor."""
    async with database.unit_of_work(actor) as uow:
        kept = [await keep_upload(uow, picture=StoredPicture(f"{n:064x}", 4, 3, 9)) for n in range(count)]
    return [row.id for row in kept]


async def attach_to_one(uow: UnitOfWork, world: World, *ids: int) -> list[int]:
    where = await compound_place(uow, world.areas["a111"])
    home = world.homes["a111/1"]
    return await attach(uow, upload_ids=ids, subject=Subject.REPAIR, subject_id=1, where=where, home_id=home)


async def test_pictures_are_attached_in_the_order_given(clocked: Database, world: World, clock: Clock) -> None:
    actor = await resident(world)
    first, second = await sent(clocked, actor, 2)
    async with clocked.unit_of_work(actor) as uow:
        ids = await attach_to_one(uow, world, second, first, second)
        assert await attach_to_one(uow, world) == []
    async with clocked.reader(actor.scope) as reader:
        found = await attachments_of(reader, actor, Subject.REPAIR, [1, 2], clock())
        assert await uploads_by_id(reader, actor, [first, second], clock()) == []
        assert await uploads_by_id(reader, ANONYMOUS, [first, second], clock()) == []
    assert [(row.id, row.sha256[-1]) for row in found[1]] == [(ids[0], "1"), (ids[1], "0")]
    assert found.keys() == {1}
    clock.advance(days=730)
    async with clocked.reader(actor.scope) as reader:
        assert await attachments_of(reader, actor, Subject.REPAIR, [1], clock()) == {}


async def test_a_worker_attaches_to_work_where_they_work(clocked: Database, world: World) -> None:
    here, elsewhere = await worker(world, "a111"), await worker(world, "a112")
    async with clocked.unit_of_work(here) as uow:
        assert len(await attach_to_one(uow, world, *await sent(clocked, here))) == 1
    where, home = Place(*(world.areas["a111"[:n]] for n in range(1, 5))), world.homes["a111/1"]
    ids = await sent(clocked, elsewhere)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with clocked.unit_of_work(elsewhere) as uow:
            await attach(uow, upload_ids=ids, subject=Subject.REPAIR, subject_id=1, where=where, home_id=home)


async def test_nobody_attaches_what_is_not_theirs_or_too_old(
    clocked: Database, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    actor, cohabitant = await resident(world), await resident(world)
    (mine,), (theirs,) = await sent(clocked, actor), await sent(clocked, cohabitant)
    with pytest.raises(NotFound):
        async with clocked.unit_of_work(actor) as uow:
            await attach_to_one(uow, world, mine, theirs)
    with pytest.raises(TooManyPictures):
        async with clocked.unit_of_work(actor) as uow:
            await attach_to_one(uow, world, *range(1, 11))
    assert await superuser.fetchval("select count(*) from upload") == 2  # all or nothing
    clock.advance(days=1)
    with pytest.raises(NotFound):
        async with clocked.unit_of_work(actor) as uow:
            await attach_to_one(uow, world, mine)


async def test_of_two_at_once_one_attaches(clocked: Database, world: World, superuser: asyncpg.Connection) -> None:
    actor = await resident(world)
    (upload,) = await sent(clocked, actor)

    async def once() -> bool:
        try:
            async with clocked.unit_of_work(actor) as uow:
                await attach_to_one(uow, world, upload)
        except NotFound:
            return False
        return True

    assert sorted(await asyncio.gather(*(once() for _ in range(4)))) == [False, False, False, True]
    assert await superuser.fetchval("select count(*) from attachment") == 1
