"""The local push adapter: pushes are kept, sealed, instead of sent. ``zhian demo outbox`` shows them beside the SMS."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from domain.identity.models import SentMessage
from domain.identity.ports import Vault
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.uow import Database
from domain.security.notifications.ports import Push


class OutboxPush:
    """Implements ``domain.security.notifications.ports.PushPort``: one row per key, so twice = once."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def push(self, push: Push, *, key: str) -> str:
        """Keep the push; its key is the receipt."""
        row = {
            "channel": "push",
            "address_sealed": self._vault.seal(f"account:{push.account_id}", f"sent_message|address|{key}"),
            "body_sealed": self._vault.seal(f"{push.title}\n{push.body}\n{push.link}", f"sent_message|body|{key}"),
            "key": key,
        }
        async with self._database.unit_of_work(system_actor(NOTHING)) as uow:
            await uow.session.execute(insert(SentMessage).values(row).on_conflict_do_nothing(index_elements=["key"]))
        return key
