"""The local text message adapter: messages are kept, sealed, instead of sent. For demos, tests and sites without a
provider; ``zhian demo outbox`` shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.identity.models import SentMessage
from domain.identity.ports import Vault
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.uow import Database


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was "sent"."""

    channel: str
    address: str
    body: str
    sent_at: datetime


def _place(column: str, key: str) -> str:
    return f"sent_message|{column}|{key}"


class OutboxSms:
    """Implements ``domain.identity.ports.SmsPort``: one row per key, so twice = once."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def send(self, *, phone: str, text: str, key: str) -> None:
        """Keep the message."""
        row = {
            "channel": "sms",
            "address_sealed": self._vault.seal(phone, _place("address", key)),
            "body_sealed": self._vault.seal(text, _place("body", key)),
            "key": key,
        }
        async with self._database.unit_of_work(system_actor(NOTHING)) as uow:
            await uow.session.execute(insert(SentMessage).values(row).on_conflict_do_nothing(index_elements=["key"]))


async def sent_messages(database: Database, vault: Vault, *, first: int = 50) -> list[Message]:
    """The latest messages, newest first, opened."""
    async with database.reader(NOTHING) as reader:
        rows = await reader.rows(
            select(
                SentMessage.channel,
                SentMessage.address_sealed,
                SentMessage.body_sealed,
                SentMessage.key,
                SentMessage.created_at,
            )
            .order_by(SentMessage.id.desc())
            .limit(first)
        )
    return [
        Message(
            row.channel,
            await vault.open(row.address_sealed, _place("address", row.key)),
            await vault.open(row.body_sealed, _place("body", row.key)),
            row.created_at,
        )
        for row in rows
    ]
