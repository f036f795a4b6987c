"""Builds the matrix's world: people and estate by the product's services, devices that spoke, and every other table.

Each text holds a canary of its own, so that whatever an answer shows tells whose row it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import Table

from integrations.identity.tokens import AccessTokens
from migrations.tables import metadata
from tests.api.matrix.autopay import autopay
from tests.api.matrix.cast import AREAS, COMPOUNDS, EVERYBODY, Standing, Who
from tests.api.matrix.fill import OWNED, Filler, Spot
from tests.api.matrix.furniture import Furniture
from tests.api.matrix.paid import paid
from tests.api.matrix.repairs import repairs
from tests.api.matrix.rows import Row, Seeded
from tests.factories.plant import Plant
from tests.factories.world import LONG_AGO as BEFORE_ALL
from tests.factories.world import World

BY_SERVICES = {
    "area", "building", "home", "account", "household", "role_grant", "session", "refresh_token", "device", "ebike",
    "autopay", "autopay_plan", "bill_account",
    "audit_head", "data_key", "trusted_document", "invoice_request",
}  # fmt: skip
BY_INGEST = {"event", "sighting", "ebike_tag", "alert", "alert_change"}
"""Tables that are written here or by ``Furniture``; ``Filler`` fills all others."""
LEVELS = ("compound_id", "community_id", "town_id", "county_id")
ABOVE = {"community_police", "town_operator", "county_operator"}
"""Whose acts the property office is not told of."""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
LATELY = timedelta(minutes=1)
FIRST = ("device_liveness", "raw_message", "application")


class Seeder:
    """One use: ``seed`` fills an empty migrated database."""

    def __init__(self, world: World, plant: Plant, connection: asyncpg.Connection, tokens: AccessTokens) -> None:
        self.world, self.connection, self.tokens = world, connection, tokens
        self.seeded = Seeded(plant.clock())
        self.filler = Filler(connection, self.seeded)
        self.furniture = Furniture(world, plant, self.filler)

    async def seed(self) -> Seeded:
        """Everything; about two seconds."""
        await self.world.build(*COMPOUNDS)
        self.seeded.areas, self.seeded.homes = self.world.areas, self.world.homes
        await self._people()
        await self._estate()
        for compound in COMPOUNDS:
            await self.furniture.furnish(compound)
            for table in tables():
                for spot in spots(compound, table):
                    await self.filler.insert(table, spot)
            await autopay(self.filler, compound)
            await paid(self.filler, self.world.vault, compound)
            await repairs(self.filler, compound)
        mine = Spot("a111", values={"account_id": self.seeded.accounts["owner"]})
        for name in OWNED:
            await self.filler.insert(metadata.tables[name], mine)
        await self._acts()
        self.seeded.now += 2 * LATELY  # some have moved in since
        return self.seeded

    async def _acts(self) -> None:
        """What the audit log says of all this already."""
        areas = {number: name for name, number in self.world.areas.items()}
        known = {row.key for row in self.seeded.of("AuditEntry")}
        for stored in await self.connection.fetch("select * from audit_entry"):
            deepest = next((stored[name] for name in LEVELS if stored[name] is not None), None)
            audience = () if ABOVE & set(stored["roles"]) else ("staff",)
            key, place = f"{stored['chain']}.{stored['sequence']}", areas.get(deepest or 0, "")
            row = Row("audit_entry", "AuditEntry", place, key, audience=frozenset(audience), facts=dict(stored))
            if key not in known:
                self.seeded.add(row)

    async def _people(self) -> None:
        for who in EVERYBODY:
            if who.standing is not Standing.ANONYMOUS:
                await self._person(who)
        homes = {number: name for name, number in self.world.homes.items()}
        areas = {number: name for name, number in self.world.areas.items()}
        owners = {number: name for name, number in self.seeded.accounts.items()}
        for stored in await self.connection.fetch("select * from household"):
            owner = owners[stored["account_id"]]
            self._row("household", "Household", homes[stored["home_id"]], dict(stored), owner)
        for stored in await self.connection.fetch("select * from role_grant"):
            owner = owners[stored["account_id"]]
            self._row("role_grant", "RoleGrant", areas[stored["area_id"]], dict(stored), owner)
        for name, statement in (
            (Standing.DISABLED, "update account set disabled_at = now() where id = $1"),
            (Standing.SIGNED_OUT, "update session set ended_at = now() where account_id = $1"),
        ):
            await self.connection.execute(statement, self.seeded.accounts[name.value])

    async def _person(self, who: Who) -> None:
        person = await self.world.person()
        self.seeded.accounts[who.name], self.seeded.phones[who.name] = person.id, person.phone
        for role, area in (*who.grants, *who.revoked):
            await self.world.with_role(role, area, person)
        for each in (*who.homes, *who.ended):
            since = self.seeded.now + LATELY if each.lately else BEFORE_ALL
            how = {"lives_alone": True, "disabled_person": True}
            await self.world.living_in(each.home, each.role, each.trust, person, since, **how)
        if who.revoked:
            await self.connection.execute("update role_grant set revoked_at = now() where account_id = $1", person.id)
        if who.ended:
            await self.connection.execute("update household set ended_at = now() where account_id = $1", person.id)
        session = await self.world.session(person)
        issued = self.seeded.now - timedelta(hours=who.standing is Standing.EXPIRED)
        self.seeded.tokens[who.name], _ = self.tokens.issue(
            account_id=person.id, session_id=session.session_id, token_version=session.token_version, now=issued
        )
        place = next((each.home for each in who.homes), next((area for _, area in who.grants), "a111"))
        facts = {"roles": sorted({role for role, _ in who.grants})}
        row = Row("account", "Account", place, str(person.id), person.id, who.name, facts=facts)
        self.seeded.add(row, phone=person.phone)
        await self.furniture.write(row, "name")
        of_session = Row("session", "Session", place, str(session.session_id), session.session_id, who.name)
        await self.furniture.write(self.seeded.add(of_session), "client")

    async def _estate(self) -> None:
        for name in AREAS:
            row = self._row("area", "Area", name, {"id": self.world.areas[name]})
            await self.furniture.write(row, "name")
        for compound, number in self.world.buildings.items():
            await self.furniture.write(self._row("building", "Building", compound, {"id": number}), "name")
        for home, number in self.world.homes.items():
            await self.furniture.write(self._row("home", "Home", home, {"id": number}), "unit", "door")

    def _row(self, table: str, node: str, place: str, stored: dict[str, Any], owner: str | None = None) -> Row:
        """Keep a row that services made."""
        gone = any(stored.get(name) is not None for name in ("ended_at", "revoked_at"))
        row = Row(table, node, place, str(stored["id"]), stored["id"], owner, gone, facts=stored)
        self.filler.found.setdefault((table, place), stored)
        return self.seeded.add(row)


def tables() -> Iterator[Table]:
    """The tables that ``Filler`` fills, those that others point to first."""
    yield from (metadata.tables[name] for name in FIRST)
    for table in metadata.sorted_tables:
        if table.name not in BY_SERVICES | BY_INGEST | set(FIRST):
            yield table


def entries(compound: str, homes: Iterable[str]) -> Iterator[Spot]:
    """Entries of the audit log: an act of the office, one of a resident, and one of the police."""
    yield Spot(compound, values={"roles": ["property_staff"], "audience": ["staff"]})
    yield Spot(compound, values={"roles": ["community_police"]})
    for home in homes:
        yield Spot(compound, home, values={"roles": ["resident"], "audience": ["staff"]})


def spots(compound: str, table: Table) -> Iterator[Spot]:
    """Where in a compound the table gets rows: in two homes and in none, and one that is over if it can be."""
    homes = (f"{compound}/1", f"{compound}/2")
    if table.name == "audit_entry":
        yield from entries(compound, homes)
        return
    if "home_id" not in table.columns or table.columns["home_id"].nullable:
        yield Spot(compound)
    if "home_id" in table.columns:
        yield from (Spot(compound, home) for home in homes)
    if any(name in table.columns for name in ("retired_at", "ended_at", "removed_at")):
        yield Spot(compound, homes[0] if "home_id" in table.columns else None, gone=True)
    if table.name == "housekeeping_booking":
        began, over = {"state": "under_way", "checked_in_at": LONG_AGO}, {"checked_out_at": LONG_AGO}
        yield from (Spot(compound, homes[0], values=values) for values in (began, began | over | {"state": "done"}))
    if table.name == "outbox_event":
        yield Spot(compound, values={"state": "pending"}, hidden=True)
        yield Spot(compound, values={"compound_id": 0}, hidden=True)
