"""GraphQL types of events, their pictures, and sightings."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.nodes import Node, global_id
from api.permissions import sees
from api.security import loaders
from api.security.keys import dated
from api.security.looks import look_at
from api.security.types.devices import Device, Direction, device_of
from domain.estate.visibility import at_home
from domain.identity.policies import place_of
from domain.identity.ports import shown
from domain.kernel.uow import AnyRow
from domain.security.devices.observation import EventKind
from domain.security.events.privacy import without_persons
from domain.security.events.sealed import attributes_of
from domain.security.sightings.subjects import SubjectKind, subject_place


def _sees(info: Info, leaf: str, row: AnyRow) -> bool:
    actor = info.context.actor
    own = at_home(actor.scope, row.home_id, row.at)
    seen = sees(actor, leaf, own=own, places=(place_of(row),))
    if seen and not own:
        look_at(info, leaf, row)
    return seen


@strawberry.type(description="A picture of an event. 事件图片。")
class Picture:
    """``url`` is read with the same Bearer token as the API; sizes in pixels."""

    name: str
    url: str
    width: int
    height: int
    expires_at: datetime


@strawberry.type(description="Something a device observed. 设备事件。")
class Event(Node):
    """One event. ``at`` places it in history; ``drift_ms`` is our clock minus the device's at arrival."""

    kind: EventKind
    at: datetime
    occurred_at: datetime | None
    received_at: datetime
    late: bool
    clock_suspect: bool
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="receivedAt − occurredAt; null without a device time. 时钟偏差（毫秒）。")
    def drift_ms(self) -> float | None:
        if self.occurred_at is None:
            return None
        return round((self.received_at - self.occurred_at).total_seconds() * 1000)

    @strawberry.field(
        description="What was observed; without what tells who it was, for those who may not know. 事件内容。"
    )
    async def attributes(self, info: Info) -> JSON:
        if _sees(info, "Event.attributes", self.row):
            return JSON(await attributes_of(info.context.services.vault, self.row))
        return JSON(without_persons(self.row.attributes))

    @strawberry.field(description="Null when the caller may not see pictures here. 图片（受限）。")
    async def pictures(self, info: Info) -> list[Picture] | None:
        row = self.row
        if not _sees(info, "Event.pictures", row):
            return None
        found = await info.context.loaders.one(loaders.pictures, (row.compound_id, row.id))
        if found:
            look_at(info, "Event.pictures", row)
        return [picture(each) for each in found or ()]

    @strawberry.field(description="The device that observed it, if visible. 来源设备（如可见）。")
    async def device(self, info: Info) -> Device | None:
        return await device_of(info, self.row.device_id)

    @strawberry.field(description="The home it concerns, if visible. 相关住户（如可见）。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)

    @strawberry.field(description="The compound it happened in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


@strawberry.type(description="A subject seen by a device. 轨迹记录。")
class Sighting(Node):
    """For tags ``at`` is when it came to the reader and ``left_at`` when it was gone."""

    kind: SubjectKind
    at: datetime
    left_at: datetime | None
    direction: Direction | None
    antenna: int | None
    rssi_dbm: int | None
    reads: int
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The tag, plate or person number; null when the caller may not know. 对象（受限）。")
    async def subject(self, info: Info) -> str | None:
        row = self.row
        if not _sees(info, "Sighting.subject", row):
            return None
        return await shown(info.context.services.vault, row.subject, subject_place(row.id), area=row.compound_id)

    @strawberry.field(description="The device that saw it, if visible. 来源设备（如可见）。")
    async def device(self, info: Info) -> Device | None:
        return await device_of(info, self.row.device_id)

    @strawberry.field(description="The compound it was seen in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)

    @strawberry.field(description="The event it came of, if visible. 对应事件（如可见）。")
    async def event(self, info: Info) -> Event | None:
        row = self.row
        return await event_of(info, row.compound_id, row.at, row.event_id)


def picture(row: AnyRow) -> Picture:
    """The GraphQL object of a picture row."""
    return Picture(
        name=row.name,
        url=f"/pictures/{row.compound_id}/{row.sha256}",
        width=row.width,
        height=row.height,
        expires_at=row.expires_at,
    )


def event(row: AnyRow) -> Event:
    """The GraphQL object of an event row."""
    return Event(
        id=global_id("Event", dated(row.compound_id, row.at, row.id)),
        kind=EventKind(row.kind),
        at=row.at,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        late=row.late,
        clock_suspect=row.clock_suspect,
        row=row,
    )


def sighting(row: AnyRow) -> Sighting:
    """The GraphQL object of a sighting row."""
    return Sighting(
        id=global_id("Sighting", dated(row.compound_id, row.at, row.id)),
        kind=SubjectKind(row.subject_kind),
        at=row.at,
        left_at=row.left_at,
        direction=Direction(row.direction) if row.direction in ("in", "out") else None,
        antenna=row.antenna,
        rssi_dbm=row.rssi_dbm,
        reads=row.reads,
        row=row,
    )


async def event_of(info: Info, compound_id: int, at: datetime, event_id: int) -> Event | None:
    """The event, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.events, (compound_id, at, event_id))
    return event(row) if row is not None else None
