"""Refused sign-ins in the audit log: told without phones, and never so many that the log fills with them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from domain.identity.accounts.service import disable_account
from domain.identity.audit.watching import subject_index
from domain.identity.rules import REFRESH_IDLE, SESSION_LIFE, Allowance
from domain.identity.sessions.refusals import SHARES
from domain.kernel.uow import Database
from integrations.identity.vault import EnvelopeVault
from tests.db.identity.test_chain import Chain
from tests.db.identity.test_codes import PHONE, Door
from tests.factories.clock import Clock
from tests.factories.world import World


@pytest.fixture
def door(clocked: Database, vault: EnvelopeVault) -> Door:
    return Door(clocked, vault)


@pytest.fixture
def chain(clocked: Database, vault: EnvelopeVault) -> Chain:
    return Chain(clocked, vault)


async def refusals(superuser: asyncpg.Connection) -> list[dict[str, Any]]:
    rows = await superuser.fetch("select * from audit_entry where action = 'session.refused' order by sequence")
    return [dict(row) | {"details": json.loads(row["details"])} for row in rows]


async def test_a_wrong_code_is_on_record_by_blind_indexes(
    door: Door, vault: EnvelopeVault, superuser: asyncpg.Connection
) -> None:
    await door.enter("000000", client="192.0.2.7")
    (said,) = await refusals(superuser)
    assert (said["chain"], said["account_id"], said["roles"]) == (0, None, ["anonymous"])
    assert said["details"] == {
        "reason": "wrong_code",
        "subject": subject_index(vault, "phone", PHONE),
        "client": subject_index(vault, "client", "192.0.2.7"),
    }
    assert PHONE[-11:] not in str(said)
    assert "192.0.2.7" not in str(said)


async def test_known_and_unknown_phones_are_told_alike(door: Door, world: World, superuser: asyncpg.Connection) -> None:
    for phone in ((await world.person()).phone, PHONE):
        await door.enter("000000", phone=phone)
    known, unknown = await refusals(superuser)
    assert (known["account_id"], known["object_id"]) == (unknown["account_id"], unknown["object_id"]) == (None, None)


async def test_who_is_disabled_is_named_although_the_code_was_right(
    door: Door, world: World, clocked: Database, superuser: asyncpg.Connection
) -> None:
    person = await world.person()
    async with clocked.unit_of_work(world.everywhere) as uow:
        await disable_account(uow, account_id=person.id)
    await door.request(person.phone)
    await door.enter(await door.code(), phone=person.phone)
    (said,) = await refusals(superuser)
    assert (said["account_id"], said["details"]["reason"]) == (person.id, "disabled")


async def test_of_one_phone_a_handful_an_hour(door: Door, clock: Clock, superuser: asyncpg.Connection) -> None:
    for _ in range(12):
        await door.enter("000000")
    assert len(await refusals(superuser)) == 4
    clock.advance(minutes=15)
    for _ in range(3):
        await door.enter("000000")
    assert len(await refusals(superuser)) == 5


async def test_of_all_phones_together_some_hundreds(
    door: Door, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Allowance("refusal_share", timedelta(minutes=1), 1)
    monkeypatch.setattr("domain.identity.sessions.refusals.REFUSALS_ON_RECORD", few)
    await asyncio.gather(*(door.enter("000000", phone=f"+861390000{n:04d}") for n in range(60)))
    assert 8 <= len(await refusals(superuser)) <= SHARES


@pytest.mark.parametrize("reason", ["ended", "idle", "disabled"])
async def test_a_refused_refresh_names_the_session(
    chain: Chain, world: World, clock: Clock, clocked: Database, superuser: asyncpg.Connection, reason: str
) -> None:
    person = await world.person()
    session = await world.session(person)
    if reason == "ended":
        clock.advance(seconds=SESSION_LIFE.total_seconds())
    elif reason == "idle":
        clock.advance(seconds=REFRESH_IDLE.total_seconds())
    else:
        await superuser.execute("update account set disabled_at = now()")
    for _ in range(9):
        assert await chain.ended(session.refresh_token)
    said = await refusals(superuser)
    assert [each["details"] for each in said] == [{"reason": reason}] * 4
    assert (said[0]["account_id"], said[0]["session_id"]) == (person.id, session.session_id)


async def test_a_token_that_came_back_is_on_record_once_and_then_now_and_then(
    chain: Chain, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    session = await world.session(await world.person())
    await chain.next(session.refresh_token)
    clock.advance(minutes=1)
    for _ in range(20):
        assert await chain.ended(session.refresh_token)
    actions = await superuser.fetch("select action from audit_entry where action like 'session.re%' order by sequence")
    assert [row["action"] for row in actions] == ["session.reuse_refused", *["session.refused"] * 4]


async def test_what_nobody_ever_had_leaves_no_entry(chain: Chain, superuser: asyncpg.Connection) -> None:
    assert await chain.ended("zhr_x")
    assert await refusals(superuser) == []
