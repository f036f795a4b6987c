"""One way in for every channel: bytes of a known device are parsed, recorded, and their pictures kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.kernel.pictures import PictureStore
from domain.security.devices.directory import DeviceDirectory, DeviceRef
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import Message, Observation, Reason, Record, Rejection
from domain.security.events.pictures import keep_pictures
from domain.security.events.recorder import Outcome, Recorder
from integrations.devices import registry
from integrations.devices.raw import without_pictures

VENDORS = frozenset(str(vendor) for vendor in Vendor)
LARGE_BODY = 256 * 1024
_LANES = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a body: its records as parsed, and the outcome of recording them."""

    records: tuple[Record, ...]
    outcome: Outcome


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


class DeviceIntake:
    """Takes messages in; returning means committed, raising means not stored. Also the sink of MQTT."""

    def __init__(
        self, recorder: Recorder, directory: DeviceDirectory, pictures: PictureStore, *, pictures_kept: timedelta
    ) -> None:
        self._recorder = recorder
        self._directory = directory
        self._pictures = pictures
        self._kept = pictures_kept
        self._lanes = [asyncio.Lock() for _ in range(_LANES)]

    async def take(
        self, device: DeviceRef, body: bytes, *, vendor: str, content_type: str, channel: str, topic: str | None = None
    ) -> Taken:
        """Record ``body`` as ``vendor``'s message; ``topic``: what follows the device's own MQTT prefix.

        Messages of a device are recorded in the order of these calls.
        """
        zone = _zone(device.timezone)

        def read() -> Message:
            records = registry.parse(vendor, body, content_type=content_type, topic=topic, timezone=zone)
            return Message(without_pictures(body, content_type), content_type, tuple(records))

        async with self._lane(device):
            # A large body is read beside the loop, on which every other device waits.
            message = read() if len(body) <= LARGE_BODY else await asyncio.to_thread(read)
            sources = await self._sources(device, message.records)
        return await self._record(device, message, channel, sources)

    async def handle(self, device: DeviceRef, message: str, payload: bytes) -> None:
        """Store an MQTT payload; ``message``: the topic after ``c/{compound}/d/{device}/``."""
        vendor, _, _ = message.partition("/")
        if vendor not in VENDORS:
            vendor = Vendor.ZHIAN
        await self.take(device, payload, vendor=vendor, content_type="", channel="mqtt", topic=message)

    async def reject(self, device: DeviceRef, message: str, rejection: Rejection) -> None:
        """Store that ``device`` sent something that can never be taken."""
        await self._record(device, Message(b"", "", (rejection,)), "mqtt", {})

    async def refuse(self, device: DeviceRef, rejection: Rejection, *, content_type: str) -> None:
        """The same over HTTP."""
        await self._record(device, Message(b"", content_type, (rejection,)), "http", {})

    async def _record(
        self, device: DeviceRef, message: Message, channel: str, sources: dict[str, DeviceRef | None]
    ) -> Taken:
        outcome = await self._recorder.record(device, message, channel=channel, sources=sources)
        if any(row.observation.pictures for row in outcome.rows):
            scope = await self._directory.scope()
            await keep_pictures(self._recorder.engine, scope, self._pictures, outcome.rows, kept=self._kept)
        return Taken(tuple(_as_recorded(record, sources) for record in message.records), outcome)

    async def _sources(self, device: DeviceRef, records: tuple[Record, ...]) -> dict[str, DeviceRef | None]:
        """The devices behind the names a hub uses; a device that is no hub speaks for itself."""
        names = {r.source for r in records if isinstance(r, Observation) and r.source is not None}
        if device.kind != DeviceKind.GATEWAY:
            return dict.fromkeys(names, device)
        return {name: await self._directory.behind(device, name) for name in names}

    def _lane(self, device: DeviceRef) -> asyncio.Lock:
        """Held from a message's arrival until it stands in the recorder's queue."""
        return self._lanes[device.id % _LANES]


def _as_recorded(record: Record, sources: dict[str, DeviceRef | None]) -> Record:
    """The record, or why the recorder sets it aside."""
    if isinstance(record, Observation) and record.source is not None and sources.get(record.source) is None:
        return Rejection(Reason.UNKNOWN_SOURCE, f"no device {record.source!r} behind this hub")
    return record
