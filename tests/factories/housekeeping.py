"""A provider of housekeeping in a small world: its price list, its workers and their hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.community.housekeeping.calendar import Shift
from domain.community.housekeeping.catalogue import NewProvider, NewService, add_provider, add_service
from domain.community.housekeeping.rules import Terms, Unit
from domain.community.housekeeping.service import Booked, Wanted, book
from domain.community.housekeeping.staff import add_worker, set_hours
from domain.identity.policies import SecondFactor
from domain.identity.queries import identity_scope, resolve_actor
from domain.kernel.actor import Actor
from domain.kernel.uow import Database
from tests.factories.world import Person, World

VISIT = Terms(Unit.VISIT, price_fen=10_000, minimum_fen=0, minutes=120, free_hours=24, late_percent=50)
HOURLY = Terms(Unit.HOUR, price_fen=4_000, minimum_fen=0, minutes=60, free_hours=24, late_percent=50)
SHANGHAI = ZoneInfo("Asia/Shanghai")
ALWAYS = [Shift(day, 0, 1440) for day in range(1, 8)]


@dataclass
class Cleaners:
    """Enters things as the system; ``provider``: ids by compound, ``workers``: people by worker id."""

    world: World
    database: Database
    providers: dict[str, int] = field(default_factory=dict)
    workers: dict[int, Person] = field(default_factory=dict)

    async def provider(self, compound: str = "a111") -> int:
        """The provider of a compound."""
        if compound not in self.providers:
            new = NewProvider(self.world.areas[compound], f"保洁 {compound}", contact="0573-0000")
            async with self.database.unit_of_work(self.world.everywhere) as uow:
                self.providers[compound] = await add_provider(uow, new=new)
        return self.providers[compound]

    async def service(self, terms: Terms = VISIT, compound: str = "a111", name: str = "日常保洁") -> int:
        """An entry of its price list."""
        new = NewService(await self.provider(compound), name, terms)
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            return await add_service(uow, new=new)

    async def worker(
        self, compound: str = "a111", shifts: list[Shift] = ALWAYS, person: Person | None = None, name: str = "示例师傅"
    ) -> int:
        """Somebody who works for it."""
        somebody = person or await self.world.person()
        provider = await self.provider(compound)
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            phone, vault = somebody.phone, self.world.vault
            worker = await add_worker(uow, vault=vault, provider_id=provider, phone=phone, name=name)
            await set_hours(uow, worker_id=worker, shifts=shifts)
        self.workers[worker] = somebody
        return worker

    async def actor(self, person: Person) -> Actor:
        """The person as the API knows them now."""
        session = await self.world.session(person)
        async with self.database.reader(identity_scope(person.id)) as reader:
            found = await resolve_actor(
                reader,
                account_id=person.id,
                session_id=session.session_id,
                token_version=session.token_version,
                now=self.database.clock(),
                second_factor=SecondFactor.OPTIONAL,
            )
        return found.actor

    async def book(self, actor: Actor, home: str, service: int, **said: Any) -> Booked:
        """Book for a home as ``actor``."""
        wanted = Wanted(self.world.homes[home], service, **said)
        async with self.database.unit_of_work(actor) as uow:
            return await book(uow, wanted=wanted)

    def at(self, *, days: int = 7, hour: int = 9, minute: int = 0) -> datetime:
        """An instant of the local day some days from now."""
        day = self.database.clock().astimezone(SHANGHAI).date() + timedelta(days=days)
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)
