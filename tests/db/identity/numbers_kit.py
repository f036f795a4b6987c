"""What tests of numbers do: ask for codes and give them, one unit of work each."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from domain.identity.events import NumberTold, SignInCodeRequested
from domain.identity.numbers import changing, moving
from domain.identity.numbers.changing import Change
from domain.identity.numbers.moving import Asked, Request
from domain.identity.numbers.rules import Proof
from domain.identity.numbers.service import told_place
from domain.identity.sessions.codes import code_place
from domain.identity.sessions.service import or_raise
from domain.kernel.actor import ANONYMOUS, NOTHING, Actor
from domain.kernel.outbox import OutboxEvent
from tests.factories.world import Person, World

NEW, OTHER = "+8613800000001", "+8613800000002"


@dataclass
class Numbers:
    """The world's numbers."""

    world: World

    async def ask(self, actor: Actor, person: Person, phone: str = NEW, note: str = "本人到场") -> Asked:
        """A keeper asks to move the person's number."""
        request = Request(person.id, phone, Proof.ID_CARD, note)
        async with self.world.database.unit_of_work(actor) as uow:
            return await moving.ask(uow, vault=self.world.vault, request=request, client="", language="en")

    async def confirm(self, code: str, phone: str = NEW) -> None:
        """Whoever holds the new number confirms. Raises what the caller is told."""
        async with self.world.database.unit_of_work(ANONYMOUS) as uow:
            outcome = await moving.confirm(uow, vault=self.world.vault, phone=phone, code=code, client="")
        or_raise(outcome)

    async def refuse(self, actor: Actor) -> bool:
        """The holder refuses."""
        async with self.world.database.unit_of_work(actor) as uow:
            return await moving.refuse(uow)

    async def request(self, actor: Actor, phone: str = NEW) -> None:
        """Ask for both codes of a change."""
        async with self.world.database.unit_of_work(actor) as uow:
            await changing.request_change(uow, vault=self.world.vault, phone=phone, client="", language="en")

    async def change(self, actor: Actor, old_code: str, new_code: str, phone: str = NEW, shown: str = "") -> None:
        """Give both, and what the authenticator shows. Raises what the caller is told."""
        given = Change(phone, old_code, new_code, shown)
        async with self.world.database.unit_of_work(actor) as uow:
            outcome = await changing.change(uow, vault=self.world.vault, given=given, client="")
        or_raise(outcome)

    async def _events(self, name: str) -> list[dict[str, Any]]:
        query = select(OutboxEvent.payload).where(OutboxEvent.name == name).order_by(OutboxEvent.id)
        async with self.world.database.reader(NOTHING) as reader:
            return [dict(row.payload) for row in await reader.rows(query)]

    async def codes(self) -> dict[tuple[str, str], str]:
        """The latest code by phone and purpose."""
        found = {}
        for said in await self._events(SignInCodeRequested.name):
            phone, code = [
                await self.world.vault.open(base64.b64decode(said[name]), code_place(name, said["code_id"]))
                for name in ("phone", "code")
            ]
            found[phone, said["purpose"]] = code
        return found

    async def told(self) -> list[tuple[str, str]]:
        """Who was told what, in order."""
        return [
            (await self.world.vault.open(base64.b64decode(said["phone"]), told_place(said["key"])), said["what"])
            for said in await self._events(NumberTold.name)
        ]
