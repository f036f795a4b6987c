"""GET /attachments/{id} under the rights of the product: the picture of a repair, asked for by everybody around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from api.community.uploads.routes import Uploads
from domain.community.repairs import service, working
from domain.community.uploads.service import keep_upload
from domain.identity.households.service import end_household
from domain.identity.roles.service import revoke_role
from domain.kernel.actor import HomeRole, Role, Trust
from domain.kernel.pictures import StoredPicture
from integrations.vision.pictures import LocalPictures
from tests.factories.api import Api
from tests.factories.clock import Clock
from tests.factories.repairs import ITEMS, Repairs
from tests.factories.world import Person, World

HOME = "a111/1"
BYTES = b"a stored picture"


@dataclass
class Pictures:
    """A repair with the pictures of its home and of its worker, and whoever asks for them."""

    api: Api
    world: World
    repairs: Repairs
    http: httpx.AsyncClient
    store: LocalPictures
    superuser: asyncpg.Connection

    async def sent(self, by: str) -> list[int]:
        """One picture of somebody's, not attached to anything yet."""
        sha256 = f"{len(self.repairs.persons):x}".rjust(64, "0")
        path = self.store.path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BYTES)
        async with self.world.database.unit_of_work(self.repairs.actors[by]) as uow:
            return [(await keep_upload(uow, picture=StoredPicture(sha256, 4, 3, len(BYTES)))).id]

    async def asked(self, by: str = "resident", home: str = HOME) -> int:
        """A repair of the home with a picture of what is broken."""
        return await self.repairs.ask(by, home, uploads=await self.sent(by))

    async def path(self, label: str = "problem") -> str:
        """Where the picture is."""
        return f"/attachments/{await self.superuser.fetchval('select id from attachment where label = $1', label)}"

    async def answer(self, person: Person | None, path: str) -> httpx.Response:
        """What somebody is answered, as they are now; None: who has not signed in."""
        if person is None:
            return await self.http.get(path)
        self.api.authenticator.forget([person.id])
        return await self.http.get(path, headers={"Authorization": f"Bearer {await self.api.token(person)}"})

    async def opens(self, person: Person, path: str) -> bool:
        """Whether they get the picture; if not, they are answered as of one that never was."""
        answer, never = await self.answer(person, path), await self.answer(person, "/attachments/2147483646")
        if answer.status_code == 200:
            assert (answer.content, answer.headers["cache-control"]) == (BYTES, "no-store")
            return True
        assert (answer.status_code, answer.content, answer.headers) == (404, b"", never.headers)
        return False

    async def looks(self) -> list[int]:
        """Who is on record for having opened somebody else's picture."""
        rows = await self.superuser.fetch("select account_id from audit_entry where action = 'picture.opened'")
        return sorted(row["account_id"] for row in rows)


@pytest.fixture
async def pictures(api: Api, world: World, tmp_path: Path, superuser: asyncpg.Connection) -> AsyncIterator[Pictures]:
    store = LocalPictures(tmp_path / "pictures", processes=1)
    routes = Uploads(api.authenticator, api.services.database, api.services.vault, store).routes()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes)), base_url="http://t") as http:
        yield Pictures(api, world, await Repairs(world).people(), http, store, superuser)
    await store.close()


@pytest.mark.parametrize(
    ("role", "area", "sees"),
    [
        (Role.PROPERTY_STAFF, "a111", True),
        (Role.PROPERTY_MANAGER, "a111", True),
        (Role.PROPERTY_MANAGER, "a112", False),
        (Role.COMMUNITY_POLICE, "a11", False),
        (Role.TOWN_OPERATOR, "a1", False),
        (Role.COUNTY_OPERATOR, "a", False),
        (Role.COUNTY_OPERATOR, "b", False),
        (Role.PROPERTY_STAFF, "b111", False),
    ],
)
async def test_of_those_who_serve_the_office_of_the_compound_alone_sees_it(
    pictures: Pictures, world: World, role: Role, area: str, sees: bool
) -> None:
    await pictures.asked()
    person = await world.with_role(role, area)
    assert await pictures.opens(person, await pictures.path()) is sees
    assert await pictures.looks() == ([person.id] if sees else [])


@pytest.mark.parametrize("role", list(HomeRole))
@pytest.mark.parametrize("trust", list(Trust))
async def test_the_home_sees_its_own_and_no_other_home_does(
    pictures: Pictures, world: World, role: HomeRole, trust: Trust
) -> None:
    await pictures.asked()
    path = await pictures.path()
    for home, sees in ((HOME, True), ("a111/2", False), ("a112/1", False), ("b111/1", False)):
        assert await pictures.opens(await world.living_in(home, role, trust), path) is sees, home
    assert await pictures.looks() == []


async def test_a_worker_sees_those_of_the_work_that_is_theirs(pictures: Pictures, world: World) -> None:
    persons, repairs = pictures.repairs.persons, pictures.repairs
    repair = await pictures.asked()
    path = await pictures.path()
    elsewhere = await world.with_role(Role.SERVICE_WORKER, "a112")

    async def opened() -> list[bool]:
        return [await pictures.opens(who, path) for who in (persons["first"], persons["second"], elsewhere)]

    assert await opened() == [False, False, False]  # what is offered is told without pictures
    await repairs.do("first", working.grab_repair, repair)
    assert await opened() == [True, False, False]
    await repairs.do("first", working.release_repair, repair, reason="今天来不了")
    assert await opened() == [False, False, False]
    await repairs.do("staff", working.assign_repair, repair, worker_id=repairs.workers["second"])
    assert await opened() == [False, True, False]
    grant = await world.grant_id(persons["second"])
    async with world.database.unit_of_work(world.everywhere) as uow:
        await revoke_role(uow, grant_id=grant)
    assert await opened() == [False, False, False]
    assert await pictures.looks() == sorted([persons["first"].id, persons["second"].id])


async def test_who_moves_in_later_sees_none_of_before(pictures: Pictures, world: World, clock: Clock) -> None:
    """Not the home's pictures, and not those that its worker adds to the repair of before when they live there."""
    repairs = pictures.repairs
    repair = await pictures.asked()
    moved = clock.instant + timedelta(microseconds=1)
    came = [await world.living_in(HOME, role, trust, since=moved) for role in HomeRole for trust in Trust]
    at_that_instant = await world.living_in(HOME, HomeRole.TENANT, since=clock.instant)
    nearby = await world.living_in("a111/2")
    await world.living_in(HOME, HomeRole.MEMBER, person=nearby, since=moved)
    clock.advance(minutes=1)
    await repairs.do("first", working.grab_repair, repair)
    await repairs.do("first", working.quote_repair, repair, items=ITEMS)
    await repairs.do("resident", service.answer_quotation, repair, accept=True)
    await repairs.do("first", working.start_repair, repair, uploads=await pictures.sent("first"))
    await repairs.do("first", working.finish_repair, repair, uploads=await pictures.sent("first"))
    for label in ("problem", "before", "after"):
        path = await pictures.path(label)
        assert [await pictures.opens(each, path) for each in (*came, nearby)] == [False] * 7, label
        assert await pictures.opens(at_that_instant, path)
        assert await pictures.opens(repairs.persons["resident"], path)
    assert await pictures.looks() == []


async def test_who_has_left_sees_none_and_who_comes_back_none_of_before(
    pictures: Pictures, world: World, clock: Clock
) -> None:
    await pictures.asked()
    path, resident = await pictures.path(), pictures.repairs.persons["resident"]
    household = await world.household_id(resident)
    async with world.database.unit_of_work(world.everywhere) as uow:
        await end_household(uow, household_id=household)
    assert not await pictures.opens(resident, path)
    clock.advance(minutes=1)
    await world.living_in(HOME, person=resident, since=clock.instant)
    assert not await pictures.opens(resident, path)


async def test_a_look_at_who_lived_there_before_is_on_record(pictures: Pictures, world: World, clock: Clock) -> None:
    await pictures.asked()
    clock.advance(minutes=1)
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111", await world.living_in(HOME, since=clock.instant))
    assert await pictures.opens(staff, await pictures.path())
    assert await pictures.looks() == [staff.id]


async def test_who_is_not_signed_in_is_told_nothing(pictures: Pictures, superuser: asyncpg.Connection) -> None:
    await pictures.asked()
    path, resident = await pictures.path(), pictures.repairs.persons["resident"]
    assert await pictures.opens(resident, path)
    token = await pictures.api.token(resident)
    pictures.api.authenticator.forget([resident.id])
    await superuser.execute("update session set ended_at = now() where account_id = $1", resident.id)
    for headers in ({}, {"Authorization": f"Bearer {token}"}, {"Authorization": "Bearer x"}):
        for asked in (path, "/attachments/2147483646"):
            answer = await pictures.http.get(asked, headers=headers)
            assert (answer.status_code, answer.content) == (401, b"")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_guest_and_somebody_disabled_see_none(
    pictures: Pictures, world: World, superuser: asyncpg.Connection
) -> None:
    await pictures.asked()
    path, staff = await pictures.path(), pictures.repairs.persons["staff"]
    assert not await pictures.opens(await world.person(), path)
    assert await pictures.opens(staff, path)
    await superuser.execute("update account set disabled_at = now() where id = $1", staff.id)
    assert (await pictures.answer(staff, path)).status_code == 401


async def test_a_picture_whose_time_is_over_is_nobodys(pictures: Pictures, superuser: asyncpg.Connection) -> None:
    await pictures.asked()
    await superuser.execute("update attachment set expires_at = attached_at")
    for who in ("resident", "staff"):
        assert not await pictures.opens(pictures.repairs.persons[who], await pictures.path())
