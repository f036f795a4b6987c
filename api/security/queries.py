"""Root queries and node readers of security."""

from __future__ import annotations

import strawberry

from api.context import Context, Info
from api.nodes import NodeReader, by_number, optional_id
from api.paging import Connection, connection
from api.scalars import Since, Until
from api.security import loaders
from api.security.inputs import SubjectInput
from api.security.keys import read_dated, read_pair
from api.security.looks import searched
from api.security.types import alerts, devices, ebikes
from api.security.types import events as event_types
from domain.estate.visibility import at_home
from domain.kernel.paging import page_size
from domain.security.alerts.facts import facts_of
from domain.security.alerts.models import AlertKind, Severity
from domain.security.alerts.queries import AlertFilter, AlertState, alert_page
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind
from domain.security.devices.queries import device_page
from domain.security.ebikes.queries import ebike_page
from domain.security.events.queries import EventFilter, event_page
from domain.security.sightings.queries import SightingFilter, sighting_page


@strawberry.type
class SecurityQuery:
    """Root queries of security."""

    @strawberry.field(description="Devices in service, in order of id. 在用设备。")
    async def devices(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        kind: DeviceKind | None = None,
        vendor: Vendor | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[devices.Device]:
        read, actor = info.context.read, info.context.actor
        where = optional_id(area, "Area", field="area")
        page = await device_page(
            read, actor, area_id=where, kind=kind, vendor=vendor, first=page_size(first), after=after
        )
        return connection(page, devices.device)

    @strawberry.field(description="Events, newest first. 事件（最新在前）。")
    async def events(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        device: strawberry.ID | None = None,
        kind: EventKind | None = None,
        since: Since = None,
        until: Until = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[event_types.Event]:
        context, by = info.context, optional_id(device, "Device", field="device")
        wanted = EventFilter(optional_id(area, "Area", field="area"), by, kind, since, until)
        page = await event_page(
            context.read, context.actor, wanted, first=page_size(first), after=after, now=context.now()
        )
        return connection(page, event_types.event)

    @strawberry.field(description="Where a tag, plate or person was seen, newest first. 轨迹（最新在前）。")
    async def sightings(
        self,
        info: Info,
        subject: SubjectInput,
        area: strawberry.ID | None = None,
        since: Since = None,
        until: Until = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[event_types.Sighting]:
        context = info.context
        where = optional_id(area, "Area", field="area")
        wanted = SightingFilter(subject.kind, subject.value, where, since, until)
        by = (context.read, context.actor, context.services.vault)
        page = await sighting_page(*by, wanted, first=page_size(first), after=after)
        await searched(context, wanted, page.items)
        return connection(page, event_types.sighting)

    @strawberry.field(description="Alerts, newest first. 告警（最新在前）。")
    async def alerts(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        state: AlertState | None = None,
        acknowledged: bool | None = None,
        kind: AlertKind | None = None,
        severity_at_least: Severity | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[alerts.Alert]:
        context = info.context
        where = optional_id(area, "Area", field="area")
        wanted = AlertFilter(where, state, acknowledged, kind, severity_at_least)
        page = await alert_page(context.read, context.actor, wanted, first=page_size(first), after=after)
        return connection(page, lambda row: alerts.alert(facts_of(row)))

    @strawberry.field(description="E-bikes in use, in order of id. 在用电动车。")
    async def e_bikes(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        guarded: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[ebikes.EBike]:
        read, actor = info.context.read, info.context.actor
        where = optional_id(area, "Area", field="area")
        page = await ebike_page(read, actor, area_id=where, guarded=guarded, first=page_size(first), after=after)
        return connection(page, ebikes.ebike)


read_device = by_number(loaders.devices, devices.device)


async def read_event(context: Context, rest: str) -> event_types.Event | None:
    """``node(id)`` of an event."""
    row = await context.loaders.one(loaders.events, read_dated(rest))
    return event_types.event(row) if row is not None else None


async def read_sighting(context: Context, rest: str) -> event_types.Sighting | None:
    """``node(id)`` of a sighting."""
    row = await context.loaders.one(loaders.sightings, read_dated(rest))
    if row is not None and not at_home(context.actor.scope, row.home_id, row.at):
        context.looked_at("sighting.read", "Sighting", f"{row.compound_id}.{row.id}", row, (row.home_id,))
    return event_types.sighting(row) if row is not None else None


async def read_alert(context: Context, rest: str) -> alerts.Alert | None:
    """``node(id)`` of an alert."""
    facts = await context.loaders.one(loaders.alerts, read_pair(rest))
    return alerts.alert(facts) if facts is not None else None


read_ebike = by_number(loaders.ebikes, ebikes.ebike)
read_tag = by_number(loaders.tags, ebikes.tag)


NODE_READERS: dict[str, NodeReader] = {
    "Device": read_device,
    "Event": read_event,
    "Sighting": read_sighting,
    "Alert": read_alert,
    "EBike": read_ebike,
    "EBikeTag": read_tag,
}
