"""How often numbers and authenticators may be tried or asked for; each limit is there, and counts what it says."""

from __future__ import annotations

import pytest

from domain.identity.authenticators.rules import ENROLMENTS_PER_ACCOUNT
from domain.identity.errors import WrongCode
from domain.identity.numbers import changing, moving
from domain.identity.numbers.changing import Change
from domain.identity.rules import MOVES_PER_ACCOUNT, SIGN_IN_PER_CLIENT
from domain.kernel.actor import ANONYMOUS, Role
from domain.kernel.errors import Limited
from tests.db.identity.numbers_kit import NEW, OTHER, Numbers
from tests.db.identity.test_authenticators import enrol
from tests.db.identity.test_changing_number import signed_in
from tests.db.identity.test_standing import actor_of
from tests.factories.world import World

CLIENT = "192.0.2.1"


@pytest.fixture
def numbers(world: World) -> Numbers:
    return Numbers(world)


async def test_an_authenticator_is_enrolled_ten_times_at_once_and_no_more(world: World) -> None:
    _, actor = await signed_in(world)
    for _ in range(ENROLMENTS_PER_ACCOUNT.burst):
        await enrol(world, actor)
    with pytest.raises(Limited):
        await enrol(world, actor)
    _, other = await signed_in(world)
    await enrol(world, other)


async def test_a_keeper_asks_for_ten_moves_at_once_and_no_more(world: World, numbers: Numbers) -> None:
    person = await world.living_in("a111/1")
    keepers = [await actor_of(world, await world.with_role(Role.PROPERTY_MANAGER, "a111")) for _ in range(2)]
    for number in range(MOVES_PER_ACCOUNT.burst):
        await numbers.ask(keepers[0], person, f"+86138000010{number:02d}")
    with pytest.raises(Limited):
        await numbers.ask(keepers[0], person, OTHER)
    await numbers.ask(keepers[1], person, OTHER)


async def test_one_client_cannot_guess_at_many_numbers(world: World, numbers: Numbers) -> None:
    """Whatever it guesses at, it has one allowance."""
    _, actor = await signed_in(world)
    given = Change(NEW, "000000", "000000")

    async def confirm(number: int, client: str = CLIENT) -> object:
        async with world.database.unit_of_work(ANONYMOUS) as uow:
            phone = f"+86138000020{number:02d}"
            return await moving.confirm(uow, vault=world.vault, phone=phone, code="000000", client=client)

    async def change(client: str = CLIENT) -> object:
        async with world.database.unit_of_work(actor) as uow:
            return await changing.change(uow, vault=world.vault, given=given, client=client)

    for number in range(SIGN_IN_PER_CLIENT.burst - 1):
        assert isinstance(await confirm(number), WrongCode)
    assert isinstance(await change(), WrongCode)
    with pytest.raises(Limited):
        await confirm(0)
    with pytest.raises(Limited):
        await change()
    assert isinstance(await confirm(0, "192.0.2.2"), WrongCode)
    assert isinstance(await change("192.0.2.2"), WrongCode)


async def test_a_code_sent_for_one_account_moves_no_other(world: World, numbers: Numbers) -> None:
    """Else somebody who asked for another number of their own could use the code that its holder was sent for us."""
    (_, actor), (thief, another) = await signed_in(world), await signed_in(world)
    await numbers.request(actor, NEW)
    await numbers.request(another, OTHER)
    codes = await numbers.codes()
    with pytest.raises(WrongCode) as error:
        await numbers.change(another, codes[thief.phone, "change_from"], codes[NEW, "change_to"], phone=NEW)
    assert error.value.field == "newCode"
