"""Who attacks from inside: people in a small world where something has happened, and what they know of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from api.nodes import global_id
from domain.kernel.actor import HomeRole, Role
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind, Message, Observation
from domain.security.devices.refs import refs_by_id
from domain.security.devices.service import NewDevice, register_device
from domain.security.ebikes.rules import TagPlace
from domain.security.ebikes.service import NewEBike, register_ebike
from tests.attacks.target import Target
from tests.factories.world import Person


@dataclass(frozen=True)
class Crowd:
    """People by who they are, and global ids that exist."""

    target: Target
    people: dict[str, Person]
    ids: tuple[str, ...]

    def tokens(self) -> dict[str, str | None]:
        """A new sign-in of each, and none: what is made at random signs out too."""
        return {"nobody": None} | {who: self.target.token(person) for who, person in self.people.items()}


TABLES = {
    "Area": "select id::text from area",
    "Building": "select id::text from building",
    "Home": "select id::text from home",
    "Account": "select id::text from account",
    "RoleGrant": "select id::text from role_grant",
    "Household": "select id::text from household",
    "Device": "select id::text from device",
    "Alert": "select compound_id || '.' || id from alert",
    "EBike": "select id::text from ebike",
    "EBikeTag": "select id::text from ebike_tag",
    "Session": "select id::text from session",
}


async def happen(target: Target, resident: Person) -> tuple[str, ...]:
    """A device that says smoke, an e-bike, and the ids of all that is there; two that name nothing."""
    services, world = target.services, target.world
    async with services.database.unit_of_work(world.everywhere) as uow:
        new = NewDevice(
            compound_id=world.areas["a111"],
            kind=DeviceKind.SMOKE,
            vendor=Vendor.ZHIAN,
            name="smoke",
            home_id=world.homes["a111/1"],
        )
        made = await register_device(uow, new=new)
        bike = NewEBike(home_id=world.homes["a111/1"], owner_id=resident.id, tags=[("E2801160", TagPlace.BIKE)])
        await register_ebike(uow, vault=services.vault, new=bike)
        refs = await refs_by_id(await uow.session.connection(), [made.device_id])
    smoke = Observation(EventKind.SENSOR, attributes={"smoke": True}, key="k1", occurred_at=services.database.clock())
    await services.recorder.record(refs[made.device_id], Message(b"{}", "application/json", [smoke]), channel="test")
    found: list[str] = []
    async with services.database.reader(world.everywhere.scope) as reader:
        for kind, query in TABLES.items():
            rows = await reader.rows(text(query))
            found += [global_id(kind, row[0]) for row in rows[:4]]
    return (*found, global_id("Area", 2**31 - 1), global_id("Nothing", 1))


def gather(target: Target) -> Crowd:
    """Make the people and let it happen."""
    world = target.world

    async def people() -> dict[str, Person]:
        return {
            "county": await world.with_role(Role.COUNTY_OPERATOR, "a"),
            "manager": await world.with_role(Role.PROPERTY_MANAGER, "a111"),
            "police": await world.with_role(Role.COMMUNITY_POLICE, "a11"),
            "resident": await world.living_in("a111/1", HomeRole.OWNER),
        }

    found = target.run(people())
    ids = target.run(happen(target, found["resident"]))
    return Crowd(target, found, ids)
