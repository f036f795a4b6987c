"""A small world: two counties with towns, communities, compounds and homes, and people with their sign-ins."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select, update

from domain.estate import service as estate
from domain.estate.models import CompoundKind
from domain.identity.accounts.service import AccountRef, ensure_account
from domain.identity.households.service import invite_member
from domain.identity.models import Household, RoleGrant
from domain.identity.ports import Vault
from domain.identity.roles.service import grant_role
from domain.identity.sessions.service import SignedIn, start_session
from domain.kernel.actor import NOTHING, Actor, HomeRole, Role, Scope, Trust, system_actor
from domain.kernel.uow import Database

LONG_AGO = datetime(2014, 1, 1, tzinfo=UTC)
"""Since when people belong to their homes when a test does not say it: before all that happens there."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account with its phone."""

    id: int
    phone: str


@dataclass
class World:
    """Areas, buildings and homes by name. Area names say where they stand: "a" county, "a1" town, "a11" community,
    "a111" compound; homes are "a111/1" and "a111/2"."""

    database: Database
    vault: Vault
    areas: dict[str, int] = field(default_factory=dict)
    buildings: dict[str, int] = field(default_factory=dict)
    homes: dict[str, int] = field(default_factory=dict)
    _phones: itertools.count[int] = field(default_factory=lambda: itertools.count(13900000001))

    @property
    def everywhere(self) -> Actor:
        """A system actor over all counties of this world."""
        return system_actor(Scope(counties=tuple(i for name, i in self.areas.items() if len(name) == 1)))

    async def build(self, *compounds: str) -> World:
        """Make the named compounds and everything above them."""
        for compound in compounds:
            for name in (compound[:n] for n in range(1, 5)):
                if name not in self.areas:
                    await self._area(name)
        return self

    async def _area(self, name: str) -> None:
        if len(name) == 1:
            async with self.database.unit_of_work(system_actor(NOTHING)) as uow:
                county = await estate.next_area_id(uow)
            async with self.database.unit_of_work(system_actor(Scope(counties=(county,)))) as uow:
                self.areas[name] = await estate.add_county(uow, county_id=county, name=name)
            return
        async with self.database.unit_of_work(self.everywhere) as uow:
            kind = CompoundKind.CLOSED if len(name) == 4 else None
            parent = self.areas[name[:-1]]
            self.areas[name] = await estate.add_area(uow, parent_id=parent, name=name, kind=kind)
            if kind is not None:
                building = await estate.add_building(uow, compound_id=self.areas[name], name=f"{name} 1栋")
                self.buildings[name] = building
                for door in ("1", "2"):
                    home = await estate.add_home(uow, building_id=building, unit="1", door=door)
                    self.homes[f"{name}/{door}"] = home

    async def person(self, name: str = "") -> Person:
        """A new account."""
        phone = f"+86{next(self._phones)}"
        async with self.database.unit_of_work(system_actor(NOTHING)) as uow:
            account = await ensure_account(uow, vault=self.vault, phone=phone, name=name)
        return Person(account.id, phone)

    async def with_role(self, role: Role, area: str, person: Person | None = None) -> Person:
        """Somebody holding ``role`` over ``area``."""
        holder = person or await self.person(f"{role} {area}")
        async with self.database.unit_of_work(self.everywhere) as uow:
            await grant_role(uow, vault=self.vault, phone=holder.phone, name="", role=role, area_id=self.areas[area])
        return holder

    async def living_in(
        self,
        home: str,
        role: HomeRole = HomeRole.OWNER,
        trust: Trust = Trust.OFFICE,
        person: Person | None = None,
        since: datetime = LONG_AGO,
        **columns: bool,
    ) -> Person:
        """Somebody belonging to ``home`` since then."""
        resident = person or await self.person(f"{role} {home}")
        async with self.database.unit_of_work(self.everywhere) as uow:
            household = await invite_member(
                uow, vault=self.vault, home_id=self.homes[home], phone=resident.phone, name="", role=role
            )
            await uow.session.execute(
                update(Household).where(Household.id == household).values(trust=str(trust), created_at=since, **columns)
            )
        return resident

    async def session(self, person: Person) -> SignedIn:
        """A new sign-in of the person."""
        async with self.database.unit_of_work(system_actor(NOTHING)) as uow:
            account: AccountRef = await ensure_account(uow, vault=self.vault, phone=person.phone)
            return await start_session(uow, account.id, account.token_version, "test")

    async def household_id(self, person: Person) -> int:
        """The person's open household."""
        return await self._id(select(Household.id).where(Household.account_id == person.id))

    async def grant_id(self, person: Person) -> int:
        """The person's latest grant."""
        return await self._id(
            select(RoleGrant.id).where(RoleGrant.account_id == person.id).order_by(RoleGrant.id.desc())
        )

    async def _id(self, query: object) -> int:
        async with self.database.reader(self.everywhere.scope) as reader:
            return int(await reader.scalar(query))  # type: ignore[arg-type]
