"""Devices in a small world, and what they say: recorded as ingest records it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from domain.kernel.uow import Database
from domain.security.alerts.models import Alert
from domain.security.devices.directory import DeviceRef
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind, Message, Observation
from domain.security.devices.refs import refs_by_id
from domain.security.devices.service import NewDevice, register_device
from domain.security.ebikes.rules import TagPlace
from domain.security.ebikes.service import NewEBike, register_ebike
from domain.security.events.recorder import Outcome, Recorder
from tests.factories.clock import Clock
from tests.factories.world import Person, World


@dataclass
class Plant:
    """Registers devices and lets them speak; the time is ``clock``'s."""

    world: World
    database: Database
    recorder: Recorder
    clock: Clock
    _keys: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def device(
        self, compound: str, kind: DeviceKind = DeviceKind.SMOKE, *, home: str | None = None, **columns: Any
    ) -> DeviceRef:
        """A new device in ``compound``; ``home``: the home it guards."""
        new = NewDevice(
            compound_id=self.world.areas[compound],
            kind=kind,
            vendor=columns.pop("vendor", Vendor.ZHIAN),
            name=columns.pop("name", f"{kind} {compound}"),
            home_id=self.world.homes[home] if home is not None else None,
            **columns,
        )
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            registered = await register_device(uow, vault=self.world.vault, new=new)
            refs = await refs_by_id(await uow.session.connection(), [registered.device_id])
        return refs[registered.device_id]

    async def ebike(self, home: str, owner: Person, *tags: str, **columns: Any) -> int:
        """An e-bike of ``home`` with ``tags``."""
        fixed = [(tag, TagPlace.BIKE) for tag in tags]
        new = NewEBike(home_id=self.world.homes[home], owner_id=owner.id, tags=fixed, **columns)
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            return await register_ebike(uow, vault=self.world.vault, new=new)

    def seen(self, kind: EventKind, said: dict[str, Any], **fields: Any) -> Observation:
        """An observation of now with a key of its own."""
        fields.setdefault("key", f"k{next(self._keys)}")
        fields.setdefault("occurred_at", self.clock())
        return Observation(kind, attributes=said, **fields)

    def smoke(self, on: bool = True, **fields: Any) -> Observation:
        """Smoke, or its end."""
        return self.seen(EventKind.SENSOR, {"smoke": on}, **fields)

    def plate(self, number: str, **fields: Any) -> Observation:
        """A licence plate that was read."""
        return self.seen(EventKind.PLATE_READ, {"plate": number, "lane": 1}, subject=number, **fields)

    def passage(self, person: str = "R-1", **said: Any) -> Observation:
        """Somebody at a gate."""
        values = {"decision": "granted", "method": "face", "person_no": person, **said}
        return self.seen(EventKind.PASSAGE, values, subject=person)

    def read(
        self, tag: str, *, ago: float = 0.0, rssi: int | None = -60, antenna: int = 1, **fields: Any
    ) -> Observation:
        """A tag in front of a reader."""
        at = self.clock() - timedelta(seconds=ago)
        said = {"tag": tag, "rssi_dbm": rssi, "antenna": antenna}
        return self.seen(EventKind.TAG_READ, said, subject=tag, occurred_at=at, **fields)

    async def says(self, device: DeviceRef, *records: Any, body: bytes = b"{}", **kwargs: Any) -> Outcome:
        """Let ``device`` send one message with ``records``."""
        message = Message(body, "application/json", records)
        return await self.recorder.record(device, message, channel=kwargs.pop("channel", "test"), **kwargs)

    async def alerts(self) -> list[Any]:
        """Every alert, in the order they were raised."""
        async with self.database.reader(self.world.everywhere.scope) as reader:
            return list(await reader.rows(select(Alert.__table__).order_by(Alert.id)))

    async def alarm(self, compound: str, *, home: str | None = None, kind: DeviceKind = DeviceKind.SMOKE) -> Any:
        """A new device that says smoke: its alert's row."""
        device = await self.device(compound, kind, home=home)
        await self.says(device, self.smoke())
        return next(alert for alert in await self.alerts() if alert.device_id == device.id)


def ago(clock: Clock, **parts: float) -> datetime:
    """An instant in the clock's past."""
    return clock() - timedelta(**parts)
