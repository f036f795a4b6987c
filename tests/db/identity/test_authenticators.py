"""Authenticators: enrolled, confirmed, asked for at sign-in, each code good once, removed only with one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

import asyncpg
import pytest
from sqlalchemy import select

from domain.identity.authenticators import service
from domain.identity.authenticators.errors import (
    AlreadyEnrolled,
    NoAuthenticator,
    SecondFactorNeeded,
    SignInAgain,
    WrongAuthenticatorCode,
)
from domain.identity.authenticators.rules import MOST_FAILURES
from domain.identity.errors import WrongCode
from domain.identity.sessions.codes import code_place
from domain.identity.sessions.service import SignedIn, or_raise, request_code, sign_in, sign_out
from domain.kernel.actor import ANONYMOUS, Actor
from domain.kernel.errors import DomainError, Limited, Unauthenticated
from domain.kernel.outbox import OutboxEvent
from tests.factories.authenticators import App, enrolled, scan, signed_in
from tests.factories.clock import Clock
from tests.factories.waiting import until_blocked
from tests.factories.world import Person, World


@pytest.fixture
async def person(world: World) -> Person:
    return await world.person()


async def sms_code(world: World, person: Person) -> str:
    async with world.database.unit_of_work(ANONYMOUS) as uow:
        await request_code(uow, vault=world.vault, phone=person.phone, client="", language="en")
    async with world.database.unit_of_work(ANONYMOUS) as uow:
        query = select(OutboxEvent.payload).order_by(OutboxEvent.id.desc()).limit(1)
        said = (await uow.session.execute(query)).scalar_one()
    return await world.vault.open(base64.b64decode(said["code"]), code_place("code", said["code_id"]))


async def enter(world: World, person: Person, code: str, second: str = "") -> SignedIn | DomainError:
    async with world.database.unit_of_work(ANONYMOUS) as uow:
        return await sign_in(
            uow, vault=world.vault, phone=person.phone, code=code, authenticator_code=second, client=""
        )


async def checks(world: World, person: Person, code: str) -> bool:
    async with world.database.unit_of_work(ANONYMOUS) as uow:
        return await service.is_right(uow, vault=world.vault, account_id=person.id, code=code)


async def enrol(world: World, actor: Actor) -> App:
    async with world.database.unit_of_work(actor) as uow:
        return scan(world, (await service.enrol(uow, vault=world.vault)).secret)


async def confirm(world: World, actor: Actor, code: str) -> tuple[str, ...]:
    async with world.database.unit_of_work(actor) as uow:
        outcome = await service.confirm(uow, vault=world.vault, code=code)
    return or_raise(outcome)


async def remove(world: World, actor: Actor, code: str) -> None:
    async with world.database.unit_of_work(actor) as uow:
        outcome = await service.remove(uow, vault=world.vault, code=code)
    or_raise(outcome)


async def test_without_an_authenticator_the_phones_code_is_enough(world: World, person: Person) -> None:
    assert isinstance(await enter(world, person, await sms_code(world, person), "123456"), SignedIn)


async def test_an_enrolment_counts_only_once_confirmed(world: World, person: Person) -> None:
    await enrol(world, await signed_in(world, person))
    assert isinstance(await enter(world, person, await sms_code(world, person)), SignedIn)


async def test_sign_in_asks_for_the_authenticator_and_keeps_the_phones_code(
    world: World, person: Person, superuser: asyncpg.Connection
) -> None:
    app, _ = await enrolled(world, person)
    code = await sms_code(world, person)
    for _ in range(6):  # one more than the tries of a code
        assert isinstance(await enter(world, person, code), SecondFactorNeeded)
    assert isinstance(await enter(world, person, code, "  "), SecondFactorNeeded)
    assert await superuser.fetchval("select attempts from sign_in_code where used_at is null") == 0
    assert isinstance(await enter(world, person, code, app.code()), SignedIn)
    assert isinstance(await enter(world, person, code, app.code(1)), WrongCode)


async def test_a_wrong_phones_code_does_not_tell_of_the_authenticator(world: World, person: Person) -> None:
    app, _ = await enrolled(world, person)
    code = await sms_code(world, person)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for second in ("", app.code()):
        assert isinstance(await enter(world, person, wrong, second), WrongCode)
    assert await checks(world, person, app.code())  # it was not used up


async def test_five_wrong_authenticator_codes_burn_the_phones_code(
    world: World, person: Person, superuser: asyncpg.Connection
) -> None:
    app, _ = await enrolled(world, person)
    code = await sms_code(world, person)
    for _ in range(5):
        refused = await enter(world, person, code, app.wrong())
        assert isinstance(refused, WrongAuthenticatorCode)
        assert refused.message("zh-CN") == WrongCode().message("zh-CN")
    assert isinstance(await enter(world, person, code, app.code()), WrongCode)
    assert await superuser.fetchval("select count(*) from session where end_reason is null") == 1
    refusals = "select count(*) from audit_entry where details ->> 'reason' = 'wrong_authenticator_code'"
    assert await superuser.fetchval(refusals) > 0


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (0, True), (1, True), (2, False)])
async def test_a_code_is_good_for_its_step_and_the_ones_beside(
    world: World, person: Person, steps: int, *, good: bool
) -> None:
    app, _ = await enrolled(world, person)
    assert await checks(world, person, app.code(steps)) is good


async def test_a_code_is_good_once_and_none_before_it_after(world: World, person: Person, clock: Clock) -> None:
    app, _ = await enrolled(world, person)
    assert not await checks(world, person, app.code(-1))  # it confirmed the authenticator
    assert await checks(world, person, app.code(1))
    assert not await checks(world, person, app.code(1))
    assert not await checks(world, person, app.code(0))
    clock.advance(seconds=60)
    assert await checks(world, person, app.code())


@pytest.mark.parametrize("of", ["app", "recovery"])
async def test_a_code_given_twice_at_once_is_taken_once(world: World, person: Person, of: str) -> None:
    app, codes = await enrolled(world, person)
    code = app.code() if of == "app" else codes[0]
    taken = await asyncio.gather(*(checks(world, person, code) for _ in range(4)))
    assert sorted(taken) == [False, False, False, True]


async def test_a_recovery_code_signs_in_once_and_the_phone_is_told(
    world: World, person: Person, superuser: asyncpg.Connection, clock: Clock
) -> None:
    _, codes = await enrolled(world, person)
    code = await sms_code(world, person)
    assert isinstance(await enter(world, person, code, codes[3].lower().replace("-", " ")), SignedIn)
    clock.advance(minutes=1)
    assert isinstance(await enter(world, person, await sms_code(world, person), codes[3]), WrongAuthenticatorCode)
    assert await superuser.fetchval("select count(*) from recovery_code") == 9
    told = await superuser.fetch("select payload ->> 'change' from outbox_event where name = 'authenticator.changed'")
    assert [row[0] for row in told] == ["confirmed", "recovery_code_used"]
    assert await superuser.fetchval("select account_id from audit_entry where action = 'recovery_code.used'") == (
        person.id
    )


async def test_a_recovery_code_is_its_accounts_own(world: World, person: Person) -> None:
    _, codes = await enrolled(world, person)
    other = await world.person()
    await enrolled(world, other)
    assert not await checks(world, other, codes[0])
    assert await checks(world, person, codes[0])


async def test_neither_secret_nor_recovery_codes_stand_in_clear(
    world: World, person: Person, superuser: asyncpg.Connection
) -> None:
    app, codes = await enrolled(world, person)
    everything = ""
    for table in ("authenticator", "recovery_code", "outbox_event", "audit_entry", "rate_limit"):
        rows = await superuser.fetch(f"select to_jsonb(t)::text from {table} t")
        everything += "".join(row[0] for row in rows)
    for text in (app.secret.hex(), *codes, *(code.replace("-", "").encode().hex() for code in codes)):
        assert text not in everything


async def test_guessing_is_slowed_for_days_and_ends_after_a_hundred(
    world: World, person: Person, clock: Clock, superuser: asyncpg.Connection
) -> None:
    app, codes = await enrolled(world, person)
    for _ in range(9):  # confirming was one
        assert not await checks(world, person, app.wrong())
    with pytest.raises(Limited):
        await checks(world, person, app.code())
    clock.advance(minutes=15)
    assert await checks(world, person, app.code())
    assert await superuser.fetchval("select failures from authenticator") == 0
    await superuser.execute("update authenticator set failures = $1", MOST_FAILURES)
    clock.advance(hours=3)
    assert not await checks(world, person, app.code())
    assert await checks(world, person, codes[0])
    assert await checks(world, person, app.code(1))


async def test_an_enrolment_waits_ten_minutes_and_the_newest_counts(world: World, person: Person, clock: Clock) -> None:
    actor = await signed_in(world, person)
    with pytest.raises(NoAuthenticator):
        await confirm(world, actor, "123456")
    first = await enrol(world, actor)
    second = await enrol(world, actor)
    for wrong in (first.code(), second.wrong()):
        with pytest.raises(WrongAuthenticatorCode):
            await confirm(world, actor, wrong)
    clock.advance(minutes=10)
    with pytest.raises(NoAuthenticator):
        await confirm(world, actor, second.code())
    third = await enrol(world, actor)
    assert len(await confirm(world, actor, third.code())) == 10
    with pytest.raises(NoAuthenticator):
        await confirm(world, actor, third.code(1))
    with pytest.raises(AlreadyEnrolled):
        await enrol(world, actor)


@pytest.mark.parametrize("change", ["enrol", "renew", "remove"])
async def test_factors_change_only_shortly_after_signing_in(
    world: World, person: Person, clock: Clock, change: str
) -> None:
    app = (await enrolled(world, person))[0] if change != "enrol" else None
    actor = await signed_in(world, person)
    clock.advance(minutes=15)
    acts: dict[str, Callable[[], object]] = {
        "enrol": lambda: service.enrol(uow, vault=world.vault),
        "renew": lambda: service.renew_codes(uow, vault=world.vault, code=app.code() if app else ""),
        "remove": lambda: service.remove(uow, vault=world.vault, code=app.code() if app else ""),
    }
    with pytest.raises(SignInAgain):
        async with world.database.unit_of_work(actor) as uow:
            await acts[change]()  # type: ignore[misc] # each is a coroutine


async def test_confirming_and_removing_end_the_other_sign_ins(
    world: World, person: Person, superuser: asyncpg.Connection
) -> None:
    here, there = await signed_in(world, person), await signed_in(world, person)
    standing = "select array_agg(id order by id) from session where ended_at is null"
    app = await enrol(world, here)
    assert await superuser.fetchval(standing) == [here.session_id, there.session_id]
    await confirm(world, here, app.code())
    assert await superuser.fetchval(standing) == [here.session_id]
    again = await signed_in(world, person)
    with pytest.raises(WrongAuthenticatorCode):
        await remove(world, here, app.code())
    assert await superuser.fetchval(standing) == [here.session_id, again.session_id]
    await remove(world, here, app.code(1))
    assert await superuser.fetchval(standing) == [here.session_id]
    assert await superuser.fetchval("select count(*) from authenticator") == 0
    assert await superuser.fetchval("select count(*) from recovery_code") == 0
    actions = await superuser.fetch(
        "select action from audit_entry where action like 'authenticator.%' order by sequence"
    )
    assert [row[0] for row in actions] == [
        "authenticator.enrolled",
        "authenticator.confirmed",
        "authenticator.removed",
    ]
    with pytest.raises(NoAuthenticator):
        await remove(world, here, app.code(1))


async def test_new_recovery_codes_end_the_old_ones(world: World, person: Person) -> None:
    app, old = await enrolled(world, person)
    actor = await signed_in(world, person)
    for code, good in ((app.wrong(), False), (old[0], True)):
        async with world.database.unit_of_work(actor) as uow:
            outcome = await service.renew_codes(uow, vault=world.vault, code=code)
        assert isinstance(outcome, WrongAuthenticatorCode) is not good
    assert not await checks(world, person, old[1])
    assert await checks(world, person, or_raise(outcome)[0])


async def test_without_an_authenticator_there_are_no_codes_to_renew(world: World, person: Person) -> None:
    with pytest.raises(NoAuthenticator):
        async with world.database.unit_of_work(await signed_in(world, person)) as uow:
            await service.renew_codes(uow, vault=world.vault, code="123456")


async def test_nobody_has_no_authenticator(world: World) -> None:
    with pytest.raises(Unauthenticated):
        await enrol(world, ANONYMOUS)


async def test_a_sign_in_beside_a_confirmation_is_asked_or_ended(
    world: World, person: Person, superuser: asyncpg.Connection
) -> None:
    """Whichever comes first, no sign-in without the authenticator outlives its confirmation."""
    actor = await signed_in(world, person)
    app = await enrol(world, actor)
    code = await sms_code(world, person)
    entered, _ = await asyncio.gather(enter(world, person, code), confirm(world, actor, app.code()))
    standing = await superuser.fetchval("select array_agg(id) from session where ended_at is null")
    assert isinstance(entered, SignedIn | SecondFactorNeeded)
    assert standing == [actor.session_id]


async def test_a_sign_in_that_was_ended_at_this_moment_confirms_nothing(
    world: World, person: Person, superuser: asyncpg.Connection
) -> None:
    """Else whoever stole it would keep the account from its owner, who just signed out everywhere."""
    thief, owner = await signed_in(world, person), await signed_in(world, person)
    app = await enrol(world, thief)
    async with world.database.unit_of_work(owner) as uow:
        await sign_out(uow, everywhere=True)
        late = asyncio.create_task(confirm(world, thief, app.code()))
        await until_blocked(superuser, late)
    with pytest.raises(Unauthenticated):
        await late
    with pytest.raises(Unauthenticated):
        await enrol(world, thief)
