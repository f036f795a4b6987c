"""Repairs for tests: the people of one, and its steps in short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.community.repairs import service, working
from domain.community.repairs.rules import Item, ItemKind, RepairKind, Skill
from domain.community.repairs.service import NewRepair
from domain.identity.policies import SecondFactor
from domain.identity.queries import identity_scope, resolve_actor
from domain.kernel.actor import Actor, Role
from tests.factories.world import Person, World

ITEMS = (Item(ItemKind.PART, "压缩机", 1, 30_000), Item(ItemKind.LABOUR, "上门维修", 2, 5_000))


async def actor_of(world: World, person: Person) -> Actor:
    """The person as the database resolves them now."""
    session = await world.session(person)
    async with world.database.reader(identity_scope(person.id)) as reader:
        found = await resolve_actor(
            reader,
            account_id=person.id,
            session_id=session.session_id,
            token_version=session.token_version,
            now=world.database.clock(),
            second_factor=SecondFactor.OPTIONAL,
        )
    return found.actor


@dataclass
class Repairs:
    """A resident of a111/1, the office of a111, and two workers there who can repair appliances."""

    world: World
    persons: dict[str, Person] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)

    async def people(self) -> Repairs:
        """Make them."""
        await self.add("resident", await self.world.living_in("a111/1"))
        await self.add("staff", await self.world.with_role(Role.PROPERTY_STAFF, "a111"))
        for name in ("first", "second"):
            await self.worker(name, "a111", Skill.APPLIANCE)
        return self

    async def add(self, name: str, person: Person) -> Actor:
        """Know somebody by ``name``."""
        self.persons[name], self.actors[name] = person, await actor_of(self.world, person)
        return self.actors[name]

    async def worker(self, name: str, compound: str, *skills: Skill) -> int:
        """A service worker with skills; the id among repairers."""
        person = await self.world.with_role(Role.SERVICE_WORKER, compound)
        await self.add(name, person)
        grant = await self.world.grant_id(person)
        async with self.world.database.unit_of_work(self.world.everywhere) as uow:
            self.workers[name] = await working.set_skills(uow, grant_id=grant, skills=skills)
        return self.workers[name]

    async def ask(self, by: str = "resident", home: str = "a111/1", **given: Any) -> int:
        """A repair of a refrigerator, unless said otherwise."""
        new = {"kind": RepairKind.REFRIGERATOR, "title": "不制冷"} | given
        async with self.world.database.unit_of_work(self.actors[by]) as uow:
            return await service.request_repair(uow, NewRepair(home_id=self.world.homes[home], **new))

    async def do(self, by: str, command: Any, repair: int, **given: Any) -> Any:
        """One command on a repair, by somebody."""
        async with self.world.database.unit_of_work(self.actors[by]) as uow:
            return await command(uow, repair_id=repair, **given)

    async def grabbed(self, **given: Any) -> int:
        """A repair that the first worker has taken."""
        repair = await self.ask(**given)
        await self.do("first", working.grab_repair, repair)
        return repair

    async def quoted(self, items: Sequence[Item] = ITEMS, **given: Any) -> int:
        """A repair whose quotation waits for the home's answer."""
        repair = await self.grabbed(**given)
        await self.do("first", working.quote_repair, repair, items=items)
        return repair

    async def started(self, **given: Any) -> int:
        """A repair at which the first worker is."""
        repair = await self.agreed(**given)
        await self.do("first", working.start_repair, repair)
        return repair

    async def agreed(self, items: Sequence[Item] = ITEMS, **given: Any) -> int:
        """A repair whose quotation the home agreed to."""
        repair = await self.quoted(items, **given)
        await self.do("resident", service.answer_quotation, repair, accept=True)
        return repair

    async def done(self, **given: Any) -> int:
        """A repair that is done."""
        repair = await self.started(**given)
        await self.do("first", working.finish_repair, repair)
        return repair
