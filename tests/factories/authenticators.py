"""Somebody's phone with an authenticator app on it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from domain.identity.authenticators import service
from domain.identity.authenticators.rules import code_at, step_at
from domain.identity.sessions.service import or_raise
from domain.kernel.actor import Actor, ActorKind
from tests.factories.world import Person, World


@dataclass
class App:
    """An authenticator app: shows codes of the secret that was put into it."""

    world: World
    secret: bytes

    def code(self, steps: int = 0) -> str:
        """What it shows now, or some steps of 30 seconds from now."""
        return code_at(self.secret, step_at(self.world.database.clock()) + steps)

    def wrong(self) -> str:
        """A code of no step near now."""
        near = {self.code(steps) for steps in (-1, 0, 1)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)


def scan(world: World, secret: str) -> App:
    """The app with the secret as it was shown."""
    return App(world, base64.b32decode(secret))


async def signed_in(world: World, person: Person) -> Actor:
    """The person on a new sign-in, with nothing but their account."""
    session = await world.session(person)
    return Actor(ActorKind.ACCOUNT, account_id=person.id, session_id=session.session_id)


async def enrolled(world: World, person: Person) -> tuple[App, tuple[str, ...]]:
    """The person with a confirmed authenticator: the app and the recovery codes. The present code is still good."""
    actor = await signed_in(world, person)
    async with world.database.unit_of_work(actor) as uow:
        made = await service.enrol(uow, vault=world.vault)
    app = scan(world, made.secret)
    async with world.database.unit_of_work(actor) as uow:
        codes = or_raise(await service.confirm(uow, vault=world.vault, code=app.code(-1)))
    return app, codes
