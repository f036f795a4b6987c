"""Taking somebody's lost authenticator away: by those who keep all they are, or by the operator at the machine."""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
import pytest
import typer

from cli.authenticator import reset_of
from domain.identity.authenticators.errors import NoAuthenticator
from domain.identity.authenticators.resetting import reset
from domain.identity.errors import NumbersInWords, OwnRole
from domain.kernel.actor import Actor, Role
from domain.kernel.errors import Forbidden, NotFound, Unauthenticated
from integrations.settings import Settings
from tests.db.identity.numbers_kit import Numbers
from tests.db.identity.test_standing import actor_of, resolve
from tests.factories.authenticators import enrolled
from tests.factories.clock import Clock
from tests.factories.ingest import settings_for
from tests.factories.world import Person, World


async def take_away(world: World, actor: Actor, person: Person, reason: str = "手机遗失") -> None:
    async with world.database.unit_of_work(actor) as uow:
        await reset(uow, account_id=person.id, reason=reason)


async def left(superuser: asyncpg.Connection) -> tuple[int, int]:
    """Authenticators and recovery codes."""
    return (
        await superuser.fetchval("select count(*) from authenticator"),
        await superuser.fetchval("select count(*) from recovery_code"),
    )


async def test_a_manager_takes_away_what_staff_lost(world: World, superuser: asyncpg.Connection) -> None:
    person = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    manager = await actor_of(world, person)
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    await enrolled(world, staff)
    session = await world.session(staff)

    await take_away(world, manager, staff)

    assert await left(superuser) == (0, 0)
    with pytest.raises(Unauthenticated):
        await resolve(world, staff, session)
    told = await superuser.fetchval(
        "select payload ->> 'change' from outbox_event where name = 'authenticator.changed' order by id desc limit 1"
    )
    assert told == "reset"
    act = await superuser.fetchrow("select * from audit_entry where action = 'authenticator.reset'")
    assert act is not None
    assert (act["chain"], act["account_id"]) == (world.areas["a111"], person.id)
    assert (act["object_id"], json.loads(act["details"])) == (str(staff.id), {"reason": "手机遗失"})
    with pytest.raises(NoAuthenticator):
        await take_away(world, manager, staff)
    await enrolled(world, staff)  # another phone


async def test_nobody_takes_away_that_of_who_is_out_of_sight_above_elsewhere_too_or_themselves(
    world: World, superuser: asyncpg.Connection
) -> None:
    person = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    manager = await actor_of(world, person)
    stranger, elsewhere = await world.living_in("a112/1"), await world.living_in("a111/1")
    await world.living_in("b111/1", person=elsewhere)
    above = await world.living_in("a111/2")
    await world.with_role(Role.COMMUNITY_POLICE, "b11", above)
    for whom, error in ((stranger, NotFound), (elsewhere, Forbidden), (above, Forbidden), (person, OwnRole)):
        await enrolled(world, whom)
        with pytest.raises(error):
            await take_away(world, manager, whom)
    with pytest.raises(NumbersInWords):
        await take_away(world, manager, elsewhere, "电话 139 0000 0000")
    assert await left(superuser) == (4, 40)


async def test_who_is_kept_by_several_is_helped_by_all_of_them(
    world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    """They move the number to the same one: its holder confirms, and the authenticator goes."""
    person = await world.living_in("a111/1")
    await world.living_in("b111/1", person=person)
    await enrolled(world, person)
    numbers = Numbers(world)
    for compound in ("a111", "b111"):
        keeper = await actor_of(world, await world.with_role(Role.PROPERTY_MANAGER, compound))
        with pytest.raises(Forbidden):
            await take_away(world, keeper, person)
        await numbers.ask(keeper, person, phone=person.phone)
        clock.advance(minutes=1)
    code = (await numbers.codes())[person.phone, "move_to"]
    await numbers.confirm(code, phone=person.phone)
    assert await left(superuser) == (0, 0)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return settings_for(database_url, tmp_path)


async def test_the_operator_at_the_machine_helps_who_has_nobody_above(
    world: World, settings: Settings, superuser: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    county = await world.with_role(Role.COUNTY_OPERATOR, "a")
    await enrolled(world, county)
    session = await world.session(county)

    await reset_of(settings, county.phone)

    assert await left(superuser) == (0, 0)
    with pytest.raises(Unauthenticated):
        await resolve(world, county, session)
    act = await superuser.fetchrow("select * from audit_entry where action = 'authenticator.reset'")
    assert act is not None
    assert (act["actor"], act["object_id"]) == ("system", str(county.id))
    for phone, code in ((county.phone, "NO_AUTHENTICATOR"), ("19912345678", "NO_ACCOUNT"), ("12", "INVALID_PHONE")):
        with pytest.raises(typer.Exit):
            await reset_of(settings, phone)
        assert code in capsys.readouterr().err
