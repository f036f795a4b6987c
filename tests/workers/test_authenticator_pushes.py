"""Whoever did not change an account's authenticator learns of it."""

from __future__ import annotations

import asyncpg
import pytest

from domain.identity.authenticators.telling import ASK, BODIES, TITLES
from domain.identity.events import AuthenticatorChanged
from domain.kernel.uow import Database
from integrations.identity.sms import OutboxSms, sent_messages
from integrations.messaging.push import OutboxPush
from tests.factories.vault import MemoryVault
from tests.workers.kit import SYSTEM
from workers.handlers import handlers
from workers.relay import Relay

VAULT = MemoryVault()
ACCOUNT = "insert into account (phone_index, phone_sealed, name, language) values ('\\x01', '', '', $1) returning id"


async def change(database: Database, account_id: int, what: str) -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        uow.emit(AuthenticatorChanged(account_id, what))
    sms = OutboxSms(database, VAULT)
    await Relay(database, handlers(push=OutboxPush(database, VAULT), sms=sms, vault=VAULT)).drain()


@pytest.mark.parametrize(("language", "spoken"), [("zh-CN", "zh-CN"), ("fr", "en")])
async def test_the_accounts_phones_are_told(
    database: Database, superuser: asyncpg.Connection, language: str, spoken: str
) -> None:
    account_id = await superuser.fetchval(ACCOUNT, language)
    for what in BODIES:
        await change(database, account_id, what)
    told = [message.body for message in await sent_messages(database, VAULT)]
    assert len(told) == len(BODIES)
    for what, said in BODIES.items():
        assert any(TITLES[spoken] in body and said[spoken] + ASK[spoken] in body for body in told), what


async def test_a_disabled_account_is_not(database: Database, superuser: asyncpg.Connection) -> None:
    account_id = await superuser.fetchval(ACCOUNT, "en")
    await superuser.execute("update account set disabled_at = now()")
    await change(database, account_id, "removed")
    assert await sent_messages(database, VAULT) == []
