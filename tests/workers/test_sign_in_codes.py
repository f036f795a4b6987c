"""Sign-in codes on their way out: sent once, never after they expired."""

from __future__ import annotations

import base64

import asyncpg

from domain.identity.events import SignInCodeRequested
from domain.identity.rules import CODE_LIFE
from domain.identity.sessions.codes import code_place
from domain.kernel.errors import Unavailable
from domain.kernel.uow import Database
from integrations.messaging.push import OutboxPush
from tests.factories.vault import MemoryVault
from tests.workers.kit import SYSTEM, HandClock, states
from workers.handlers import handlers
from workers.relay import Relay

VAULT = MemoryVault()


class Provider:
    def __init__(self, refuse: int = 0) -> None:
        self.refuse = refuse
        self.sent: dict[str, tuple[str, str]] = {}

    async def send(self, *, phone: str, text: str, key: str) -> None:
        if self.refuse:
            self.refuse -= 1
            raise Unavailable
        self.sent[key] = (phone, text)


async def request_code(database: Database) -> None:
    def sealed(column: str, plain: str) -> str:
        return base64.b64encode(VAULT.seal(plain, code_place(column, 5))).decode()

    async with database.unit_of_work(SYSTEM) as uow:
        uow.emit(
            SignInCodeRequested(
                code_id=5,
                phone=sealed("phone", "+8613800000000"),
                code=sealed("code", "123456"),
                language="en",
                expires_at=(uow.now + CODE_LIFE).isoformat(),
            )
        )


def relay_of(database: Database, provider: Provider) -> Relay:
    return Relay(database, handlers(push=OutboxPush(database, VAULT), sms=provider, vault=VAULT))


async def test_a_code_is_sent_when_the_provider_answers(database: Database, clock: HandClock) -> None:
    provider = Provider(refuse=1)
    relay = relay_of(database, provider)
    await request_code(database)
    for _ in range(3):
        await relay.drain()
        clock.forward(seconds=2)

    ((phone, text),) = provider.sent.values()
    assert phone == "+8613800000000"
    assert "123456" in text
    assert await states(database) == [("done", 2)]


async def test_an_expired_code_is_not_sent(database: Database, clock: HandClock, superuser: asyncpg.Connection) -> None:
    provider = Provider()
    await request_code(database)
    clock.forward(seconds=CODE_LIFE.total_seconds())

    await relay_of(database, provider).drain()

    assert provider.sent == {}
    assert await states(database) == [("done", 1)]
    assert "123456" not in await superuser.fetchval("select payload::text from outbox_event")
