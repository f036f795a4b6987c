"""A number that is left is told so, once, and so are the account's phones, in its language."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from domain.identity.numbers.handlers import TEXTS
from domain.identity.numbers.service import tell
from domain.identity.numbers.telling import BODIES, TITLES
from domain.kernel.uow import Database
from integrations.identity.sms import sent_messages
from tests.workers.kit import SYSTEM, HandClock, states
from tests.workers.test_authenticator_pushes import ACCOUNT
from tests.workers.test_sign_in_codes import VAULT, Provider, relay_of

PHONE = "+8613800000000"


async def told(database: Database, account_id: int, what: str, language: str = "zh-CN") -> None:
    account: Any = SimpleNamespace(id=account_id, language=language)
    async with database.unit_of_work(SYSTEM) as uow:
        tell(uow, vault=VAULT, account=account, phone=PHONE, what=what)


@pytest.mark.parametrize("what", sorted(TEXTS))
async def test_it_is_told_when_the_provider_answers(
    database: Database, clock: HandClock, superuser: asyncpg.Connection, what: str
) -> None:
    provider = Provider(refuse=1)
    relay = relay_of(database, provider)
    await told(database, await superuser.fetchval(ACCOUNT, "zh-CN"), what)
    for _ in range(3):
        await relay.drain()
        clock.forward(seconds=2)
    assert list(provider.sent.values()) == [(PHONE, TEXTS[what]["zh-CN"])]
    (push,) = await sent_messages(database, VAULT)
    assert TITLES["zh-CN"] in push.body
    assert BODIES[what]["zh-CN"] in push.body
    assert await states(database) == [("done", 2)]


async def test_a_disabled_accounts_phones_are_not(database: Database, superuser: asyncpg.Connection) -> None:
    account_id = await superuser.fetchval(ACCOUNT, "en")
    await superuser.execute("update account set disabled_at = now()")
    provider = Provider()
    await told(database, account_id, "moved", "en")
    await relay_of(database, provider).drain()
    assert list(provider.sent.values()) == [(PHONE, TEXTS["moved"]["en"])]
    assert await sent_messages(database, VAULT) == []


def test_every_text_is_there_in_both_languages_and_holds_no_number() -> None:
    assert TEXTS.keys() == BODIES.keys()
    for texts in (*TEXTS.values(), *BODIES.values(), TITLES):
        assert texts.keys() == {"zh-CN", "en"}
        assert not any(character.isdigit() for text in texts.values() for character in text)
