"""What stands in a compound: devices and what they saw, e-bikes and their tags, alerts and the log of their changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from api.security.keys import dated
from domain.community.bills.accounts import end_account, register_account
from domain.community.bills.kinds import BillKind
from domain.security.alerts.facts import NAMES
from domain.security.devices.directory import DeviceRef
from domain.security.devices.models import DeviceKind
from domain.security.devices.observation import EventKind
from migrations.tables import metadata
from tests.api.matrix.fill import Filler, Spot
from tests.api.matrix.rows import Row
from tests.factories.plant import Plant
from tests.factories.world import Person, World

ALERTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {"audience": ["staff", "police"]}),
    ("", {"audience": ["police"]}),
    ("/1", {"audience": ["home", "staff"]}),
    ("/1", {"audience": ["home", "staff", "police"], "severity": 4}),
    ("/1", {"audience": ["police"]}),
    ("/1", {"audience": ["home"], "cleared_at": datetime(2026, 1, 1, tzinfo=UTC)}),
    ("/2", {"audience": ["home"]}),
)
"""Home, and what else a compound's alerts are: told to everybody, to some, to nobody who lives there; one critical,
one over."""


class Furniture:
    """Writes rows of security as the product does, and puts canaries into them."""

    def __init__(self, world: World, plant: Plant, filler: Filler) -> None:
        self.world, self.plant, self.filler, self.seeded = world, plant, filler, filler.seeded

    async def furnish(self, compound: str) -> None:
        """A compound's devices, e-bikes and alerts: of two homes and of none, and some that are over."""
        first = f"{compound}/1"
        for home, gone in ((first, False), (f"{compound}/2", False), (None, False), (first, True)):
            await self._passage(await self._device(compound, home, gone=gone), home or compound, gone=gone)
            if home is not None:
                await self._ebike(home, gone=gone)
                await self._bill_account(home, gone=gone)
        await self._ebike(first, gone=True, left=f"former_{compound}")
        hub = self.filler.found["device", compound]["id"]
        sensor = Spot(compound, values={"gateway_id": hub, "kind": "contact", "vendor": "zhian", "direction": "in"})
        made = await self.filler.insert(metadata.tables["device"], sensor)
        assert made is not None
        heard = Spot(compound, values={"device_id": made.number})
        await self.filler.insert(metadata.tables["device_liveness"], heard)
        for door, values in ALERTS:
            await self._alert(compound, compound + door if door else None, values)

    async def write(self, row: Row, *columns: str) -> None:
        """Put canaries into columns of a row that is there."""
        for column in columns:
            canary = self.seeded.word(row.place, row.table, column)
            self.seeded.mark(canary, row, column)
            statement = f"update {row.table} set {column} = $1 where id = $2"
            await self.filler.connection.execute(statement, canary, row.number)

    async def _device(self, compound: str, home: str | None, *, gone: bool) -> DeviceRef:
        device = await self.plant.device(compound, DeviceKind.GATE, home=home)
        row = self.seeded.add(Row("device", "Device", home or compound, str(device.id), device.id, gone=gone))
        await self.write(row, "name", "model", "place", "zone")
        if gone:
            await self.filler.connection.execute("update device set retired_at = now() where id = $1", device.id)
        else:
            self.filler.found["device", row.place] = {"id": device.id}
        return device

    async def _passage(self, device: DeviceRef, place: str, *, gone: bool) -> None:
        """Somebody passes: an event, and a sighting of who it was."""
        shown, person = (self.seeded.word(f"{place[:4]}{n}", "event", "attributes") for n in "sp")
        said = {"decision": "granted", "method": "face", "person_no": person, "reader": shown}
        passage = self.plant.seen(EventKind.PASSAGE, said, subject=person)
        (made,) = (await self.plant.says(device, passage)).rows
        seen = await self.filler.connection.fetchrow("select id, at from sighting where event_id = $1", made.event_id)
        facts = {"device_id": device.id, "subject": person, "at": made.at}
        for table, node, canaries, at, number in (
            ("event", "Event", {"attributes": person, "attributes_shown": shown}, made.at, made.event_id),
            ("sighting", "Sighting", {"subject": person}, seen["at"], seen["id"]),
        ):
            key = dated(device.compound_id, at, number)
            self.seeded.add(Row(table, node, place, key, number, facts=facts), **canaries)
            if not gone:
                self.filler.found[table, place] = {"id": number, "at": at}

    async def _ebike(self, home: str, *, gone: bool, left: str | None = None) -> None:
        """An e-bike with a tag, and another tag that was taken off; left: its owner, who belongs to the home no longer,
        and nobody has retired it yet."""
        connection, count = self.filler.connection, len(self.seeded.canaries)
        plate, tags = f"CANARY-{count:04d}", [f"CA9A{count + n:08X}" for n in range(2)]
        owner = f"resident_{home}"
        person = Person(self.seeded.accounts[owner], self.seeded.phones[owner])
        number = await self.plant.ebike(home, person, *tags, plate=plate)
        row = Row("ebike", "EBike", home, str(number), number, gone=gone)
        await self.write(self.seeded.add(row, plate=plate), "make", "color")
        stored = await connection.fetch("select id from ebike_tag where ebike_id = $1 order by id", number)
        for over, tag, fixed in zip((False, True), tags, stored, strict=True):
            facts = {"ebike": number, "closed_at": self.seeded.now if gone else None}
            fixed_tag = Row("ebike_tag", "EBikeTag", home, str(fixed["id"]), fixed["id"], gone=over, facts=facts)
            self.seeded.add(fixed_tag, tag=tag)
        await connection.execute("update ebike_tag set removed_at = now() where id = $1", stored[1]["id"])
        if left is not None:
            moved = "update ebike set account_id = $2 where id = $1"
            await connection.execute(moved, number, self.seeded.accounts[left])
        elif gone:
            await connection.execute("update ebike set retired_at = now() where id = $1", number)
        else:
            self.filler.found["ebike", home] = {"id": number}

    async def _bill_account(self, home: str, *, gone: bool) -> None:
        """An account of the home at a supplier."""
        number, world = f"CA9A{len(self.seeded.canaries):08X}", self.world
        async with world.database.unit_of_work(world.everywhere) as uow:
            made = await register_account(
                uow, vault=world.vault, home_id=world.homes[home], kind=BillKind.WATER, number=number
            )
            if gone:
                await end_account(uow, account_id=made)
        row = Row("bill_account", "BillAccount", home, str(made), made, gone=gone)
        await self.write(self.seeded.add(row, number=number), "institution")
        if not gone:
            self.filler.found["bill_account", home] = {"id": made}

    async def _alert(self, compound: str, home: str | None, values: dict[str, Any]) -> None:
        """An alert, and its one entry in the log, whose snapshot has canaries of its own."""
        event = self.filler.found["event", home or compound]
        over = {"cleared_because": "r", "event_id": event["id"], "event_at": event["at"]}
        alert = await self.filler.insert(metadata.tables["alert"], Spot(compound, home, values=over | values))
        assert alert is not None
        stored = alert.facts
        place, note = (self.seeded.word(f"{compound}{n}", "alert_change", "snapshot") for n in "pn")
        snapshot = {name: stored[name] for name in NAMES} | {
            "place": place,
            "note": note,
            "audience": values["audience"],
        }
        for name in ("event_at", "raised_at", "acknowledged_at", "cleared_at"):
            snapshot[name] = stored[name].isoformat() if stored[name] else None
        snapshot["explanation"] = json.loads(stored["explanation"])
        words = {"snapshot": place, "snapshot_shown": note}
        logged = {"alert_id": alert.number, "snapshot": snapshot, "audience": values["audience"]}
        await self.filler.insert(metadata.tables["alert_change"], Spot(compound, home, values=logged, words=words))
