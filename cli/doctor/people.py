"""Checks of how officials sign in."""

from __future__ import annotations

from dataclasses import dataclass

from cli.demo_world.plant import counties
from cli.doctor.finding import Finding, judged
from domain.identity.authenticators.queries import officials
from domain.identity.policies import SecondFactor
from domain.kernel.actor import Scope
from domain.kernel.uow import Database
from integrations.settings import Settings


@dataclass(frozen=True, slots=True)
class PeopleChecks:
    """Checks of the people of all counties."""

    settings: Settings
    database: Database

    async def second_factor(self) -> list[Finding]:
        """Of whom an authenticator is asked, and how many officials still have none.

        A demo (developer profile) goes without on purpose; anywhere else each of them is locked out, or is whoever
        holds their number.
        """
        asked = self.settings.second_factor
        async with self.database.reader(Scope(counties=await counties(self.database))) as reader:
            number, without = await officials(reader)
        optional = asked is SecondFactor.OPTIONAL
        do = "have them enrol: their roles are not in effect before"
        if optional:
            do = "unset ZHIAN_SECOND_FACTOR: whoever takes over an official's number signs in as them"
        return [
            judged(
                "second factor",
                f"{asked}; {without} of {number} officials have no authenticator",
                warn=self.settings.profile == "production" and (optional or without > 0),
                do=do,
            )
        ]
