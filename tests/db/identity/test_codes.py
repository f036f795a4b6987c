"""One-time codes: sealed, few attempts, one at a time, limited, and never telling who has an account."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from domain.identity.accounts.service import disable_account
from domain.identity.errors import AccountDisabled, InvalidPhone, WrongCode
from domain.identity.sessions.codes import CodeSent, code_place
from domain.identity.sessions.handlers import send_code
from domain.identity.sessions.service import SignedIn, or_raise, request_code, sign_in
from domain.kernel.actor import ANONYMOUS
from domain.kernel.errors import DomainError, Limited
from domain.kernel.outbox import OutboxEvent
from domain.kernel.uow import Database
from integrations.identity.sms import OutboxSms, sent_messages
from integrations.identity.vault import EnvelopeVault
from tests.factories.clock import Clock
from tests.factories.world import World

PHONE = "+8613800000000"


class Door:
    """Requests codes and signs in, one unit of work each."""

    def __init__(self, database: Database, vault: EnvelopeVault) -> None:
        self.database = database
        self.vault = vault

    async def request(self, phone: str = PHONE, client: str = "") -> CodeSent:
        async with self.database.unit_of_work(ANONYMOUS) as uow:
            return await request_code(uow, vault=self.vault, phone=phone, client=client, language="en")

    async def enter(self, code: str, phone: str = PHONE, client: str = "") -> SignedIn | DomainError:
        async with self.database.unit_of_work(ANONYMOUS) as uow:
            return await sign_in(uow, vault=self.vault, phone=phone, code=code, client=client)

    async def payload(self) -> dict[str, Any]:
        async with self.database.unit_of_work(ANONYMOUS) as uow:
            query = select(OutboxEvent.payload).order_by(OutboxEvent.id.desc()).limit(1)
            return dict((await uow.session.execute(query)).scalar_one())

    async def code(self) -> str:
        payload = await self.payload()
        return await self.vault.open(base64.b64decode(payload["code"]), code_place("code", payload["code_id"]))


@pytest.fixture
def door(clocked: Database, vault: EnvelopeVault) -> Door:
    return Door(clocked, vault)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


async def test_a_right_code_signs_in_once_and_makes_the_account(door: Door, superuser: asyncpg.Connection) -> None:
    assert await door.request() == CodeSent(expires_in=300, retry_after=60)
    code = await door.code()
    assert len(code) == 6
    assert code.isdigit()
    signed_in = or_raise(await door.enter(code))
    assert await superuser.fetchval("select count(*) from account") == 1
    assert await superuser.fetchval("select account_id from session where id = $1", signed_in.session_id) == (
        signed_in.account_id
    )
    assert isinstance(await door.enter(code), WrongCode)


async def test_the_same_phone_comes_back_to_its_account(door: Door, clock: Clock) -> None:
    await door.request()
    first = or_raise(await door.enter(await door.code()))
    clock.advance(minutes=2)
    await door.request("138 0000 0000")
    second = or_raise(await door.enter(await door.code(), phone="0086-13800000000"))
    assert second.account_id == first.account_id
    assert second.session_id != first.session_id


async def test_neither_code_nor_phone_stand_in_clear_anywhere(door: Door, superuser: asyncpg.Connection) -> None:
    await door.request()
    code = await door.code()
    or_raise(await door.enter(code))
    tables = await superuser.fetch("select tablename from pg_tables where schemaname = 'public'")
    everything = ""
    for (table,) in tables:
        rows = await superuser.fetch(f'select to_jsonb(t)::text from "{table}" t')
        everything += "".join(row[0] for row in rows)
    payload = json.dumps(await door.payload())
    assert "code_id" in payload
    for text in ("13800000000", code):
        assert text not in payload
    for text in ("13800000000", b"13800000000".hex(), code.encode().hex()):
        assert text not in everything


async def test_five_wrong_codes_burn_the_right_one(door: Door) -> None:
    await door.request()
    code = await door.code()
    for _ in range(5):
        assert isinstance(await door.enter(wrong(code)), WrongCode)
    assert isinstance(await door.enter(code), WrongCode)


async def test_four_wrong_codes_do_not(door: Door) -> None:
    await door.request()
    code = await door.code()
    for _ in range(4):
        assert isinstance(await door.enter(wrong(code)), WrongCode)
    assert isinstance(await door.enter(code), SignedIn)


async def test_attempts_made_at_once_are_all_counted(door: Door, superuser: asyncpg.Connection) -> None:
    await door.request()
    code = await door.code()
    answers = await asyncio.gather(*(door.enter(wrong(code)) for _ in range(9)))
    assert all(isinstance(answer, WrongCode) for answer in answers)
    assert await superuser.fetchval("select attempts from sign_in_code") == 5


async def test_a_right_code_given_twice_at_once_signs_in_once(door: Door, superuser: asyncpg.Connection) -> None:
    await door.request()
    code = await door.code()
    answers = await asyncio.gather(*(door.enter(code) for _ in range(4)))
    assert sum(isinstance(answer, SignedIn) for answer in answers) == 1
    assert await superuser.fetchval("select count(*) from session") == 1


async def test_a_code_lives_five_minutes(door: Door, clock: Clock) -> None:
    await door.request()
    code = await door.code()
    clock.advance(seconds=299)
    assert isinstance(await door.enter(wrong(code)), WrongCode)
    clock.advance(seconds=1)
    assert isinstance(await door.enter(code), WrongCode)


async def test_a_new_code_ends_the_one_before(door: Door, clock: Clock) -> None:
    await door.request()
    first = await door.code()
    clock.advance(minutes=1)
    await door.request()
    second = await door.code()
    assert first == second or isinstance(await door.enter(first), WrongCode)
    assert isinstance(await door.enter(second), SignedIn)


async def test_a_code_is_bound_to_its_phone(door: Door) -> None:
    await door.request()
    code = await door.code()
    await door.request("+8613800000001")
    other = await door.code()
    assert code == other or isinstance(await door.enter(code, phone="+8613800000001"), WrongCode)


async def test_a_phone_nobody_asked_a_code_for_gets_the_same_refusal(door: Door) -> None:
    assert isinstance(await door.enter("123456", phone="+8613800000009"), WrongCode)


async def test_known_and_unknown_phones_get_the_same_answer(door: Door, world: World) -> None:
    known = await world.person()
    assert await door.request(known.phone) == await door.request("+8613800000077")


async def test_a_disabled_account_is_refused_after_the_code_proved_the_phone(door: Door, world: World) -> None:
    person = await world.person()
    async with door.database.unit_of_work(ANONYMOUS) as uow:
        await disable_account(uow, person.id)
    await door.request(person.phone)
    assert isinstance(await door.enter(await door.code(), phone=person.phone), AccountDisabled)


async def test_a_bad_phone_is_refused_before_anything_is_written(door: Door, superuser: asyncpg.Connection) -> None:
    with pytest.raises(InvalidPhone):
        await door.request("12345")
    with pytest.raises(InvalidPhone):
        await door.enter("123456", phone="12345")
    assert await superuser.fetchval("select count(*) from rate_limit") == 0


async def test_no_more_than_one_code_a_minute_five_an_hour_ten_a_day(door: Door, clock: Clock) -> None:
    sent: list[datetime] = []
    for minutes in (*[1] * 15, *[15] * 100):
        with suppress(Limited):
            await door.request()
            sent.append(clock())
        clock.advance(minutes=minutes)

    def most_in(window: timedelta) -> int:
        return max(sum(start <= at < start + window for at in sent) for start in sent)

    assert most_in(timedelta(minutes=1)) == 1
    assert most_in(timedelta(hours=1)) <= 5
    assert 6 <= most_in(timedelta(days=1)) <= 10


async def test_who_is_limited_learns_how_long_to_wait(door: Door, clock: Clock) -> None:
    await door.request()
    clock.advance(seconds=20)
    with pytest.raises(Limited) as limited:
        await door.request()
    assert limited.value.retry_after == 40
    clock.advance(seconds=40)
    assert await door.request()


async def test_requests_at_once_from_one_phone_send_one_code(door: Door, superuser: asyncpg.Connection) -> None:
    answers = await asyncio.gather(*(door.request() for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(answer, CodeSent) for answer in answers) == 1
    assert sum(isinstance(answer, Limited) for answer in answers) == 5
    assert await superuser.fetchval("select count(*) from sign_in_code") == 1
    assert await superuser.fetchval("select count(*) from outbox_event") == 1


async def test_one_client_cannot_ask_for_many_phones(door: Door) -> None:
    for number in range(20):
        await door.request(f"+8613800001{number:03d}", client="192.0.2.7")
    with pytest.raises(Limited):
        await door.request("+8613800002000", client="192.0.2.7")
    assert await door.request("+8613800002000", client="192.0.2.8")


async def test_one_client_cannot_guess_at_many_phones(door: Door, superuser: asyncpg.Connection) -> None:
    for number in range(60):
        await door.enter("000000", phone=f"+8613800001{number:03d}", client="192.0.2.7")
    with pytest.raises(Limited):
        await door.enter("000000", client="192.0.2.7")
    assert b"192.0.2.7" not in await superuser.fetchval("select subject from rate_limit limit 1")


async def test_the_code_is_sent_after_the_commit_and_once(
    door: Door, clocked: Database, vault: EnvelopeVault, clock: Clock
) -> None:
    await door.request()
    sms = OutboxSms(clocked, vault)
    for _ in range(2):
        assert await send_code(await door.payload(), vault=vault, sms=sms, now=clock())
    (message,) = await sent_messages(clocked, vault)
    assert message.address == PHONE
    assert message.body == f"[Zhian] Your code is {await door.code()}, valid for 5 minutes. Do not share it."


async def test_a_code_that_waited_too_long_is_not_sent(
    door: Door, clocked: Database, vault: EnvelopeVault, clock: Clock
) -> None:
    await door.request()
    late = datetime.fromisoformat((await door.payload())["expires_at"])
    assert not await send_code(await door.payload(), vault=vault, sms=OutboxSms(clocked, vault), now=late)
    assert await sent_messages(clocked, vault) == []
