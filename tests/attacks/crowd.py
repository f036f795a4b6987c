"""Who attacks from inside: people in a small world where something has happened, and what they know of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from api.nodes import global_id
from api.permissions import NODES
from domain.kernel.actor import HomeRole, Role
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind, Message, Observation
from domain.security.devices.refs import refs_by_id
from domain.security.devices.service import NewDevice, register_device
from domain.security.ebikes.rules import TagPlace
from domain.security.ebikes.service import NewEBike, register_ebike
from migrations.tables import metadata
from tests.api.matrix.fill import LOGS, NODE_OF, key_of
from tests.attacks.target import Target
from tests.factories.world import Person

KINDS = NODES.keys() | {"Session"}
SOME, MANY = 2, {"Account": 6}


@dataclass(frozen=True)
class Crowd:
    """People by who they are, and global ids that exist, by type."""

    target: Target
    people: dict[str, Person]
    ids: dict[str, tuple[str, ...]]

    def tokens(self) -> dict[str, str | None]:
        """A new sign-in of each, and none: what is made at random signs out too."""
        return {"nobody": None} | {who: self.target.token(person) for who, person in self.people.items()}


TABLES = {
    name: table
    for name, table in metadata.tables.items()
    if NODE_OF.get(name.replace("_", "")) in KINDS and name not in LOGS
}
"""Those whose rows are read by ids of their own."""


async def happen(target: Target, resident: Person) -> dict[str, tuple[str, ...]]:
    """A device that says smoke, an e-bike, and the ids of all that is there."""
    services, world = target.services, target.world
    async with services.database.unit_of_work(world.everywhere) as uow:
        new = NewDevice(
            compound_id=world.areas["a111"],
            kind=DeviceKind.SMOKE,
            vendor=Vendor.ZHIAN,
            name="smoke",
            home_id=world.homes["a111/1"],
        )
        made = await register_device(uow, vault=services.vault, new=new)
        bike = NewEBike(home_id=world.homes["a111/1"], owner_id=resident.id, tags=[("E2801160", TagPlace.BIKE)])
        await register_ebike(uow, vault=services.vault, new=bike)
        refs = await refs_by_id(await uow.session.connection(), [made.device_id])
    smoke = Observation(EventKind.SENSOR, attributes={"smoke": True}, key="k1", occurred_at=services.database.clock())
    await services.recorder.record(refs[made.device_id], Message(b"{}", "application/json", [smoke]), channel="test")
    return await known(target)


async def known(target: Target) -> dict[str, tuple[str, ...]]:
    """The ids of all that is there, by type."""
    found: dict[str, tuple[str, ...]] = {}
    async with target.services.database.reader(target.world.everywhere.scope) as reader:
        for name, table in TABLES.items():
            kind, key = NODE_OF[name.replace("_", "")], table.primary_key.columns
            rows = await reader.rows(select(*key).order_by(*key).limit(MANY.get(kind, SOME)))
            found[kind] = tuple(global_id(kind, key_of(table, dict(row._mapping))) for row in rows)
    where = {name: global_id("Area", number) for name, number in target.world.areas.items()}
    return found | {"Area": tuple(where[name] for name in ("a111", "a11", "a")), "Compound": (where["a111"],)}


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
