"""Subscriptions of security: alerts and events as they happen, replayed from a cursor without gap or repeat."""

from __future__ import annotations

from collections.abc import AsyncIterable
from datetime import datetime
from enum import StrEnum

import strawberry

from api.context import Info
from api.nodes import optional_id
from api.security.sharing import ALERTS, EVENTS, opened, sees_event, sharing
from api.security.types import alerts, events
from domain.estate.focus import follow_in
from domain.kernel.paging import LogCursor
from domain.security.alerts.facts import AlertChanged
from domain.security.alerts.policies import shows, sight_of
from domain.security.events.queries import EventStored


@strawberry.enum(description="What happened to an alert. 告警变化。")
class AlertChangeKind(StrEnum):
    """RAISED opened it, RISEN made it worse."""

    RAISED = "raised"
    RISEN = "risen"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    CLEARED = "cleared"


@strawberry.type(description="One change of an alert, with the alert as it was then. 告警动态。")
class AlertFeedItem:
    """Ask again with ``after: cursor`` to go on behind it."""

    cursor: str
    change: AlertChangeKind
    at: datetime
    alert: alerts.Alert


@strawberry.type(description="One event as it was stored. 事件动态。")
class EventFeedItem:
    """Ask again with ``after: cursor`` to go on behind it."""

    cursor: str
    event: events.Event


def present_change(item: AlertChanged) -> AlertFeedItem:
    """The GraphQL object of a change; everything in it comes from the log."""
    change, alert = AlertChangeKind(item.change), alerts.alert(item.facts)
    return AlertFeedItem(cursor=item.cursor.encode(), change=change, at=item.at, alert=alert)


def present_event(item: EventStored) -> EventFeedItem:
    """The GraphQL object of a stored event."""
    return EventFeedItem(cursor=item.cursor.encode(), event=events.event(item.row))


def _after(cursor: str | None) -> LogCursor | None:
    return None if cursor is None else LogCursor.decode(cursor)


@strawberry.type
class SecuritySubscription:
    """Root subscriptions of security."""

    @strawberry.subscription(description="Changes of the alerts the caller sees, of one area when given. 告警动态。")
    async def alert_feed(
        self, info: Info, area: strawberry.ID | None = None, after: str | None = None
    ) -> AsyncIterable[AlertFeedItem]:
        context, start = info.context, _after(after)
        where = optional_id(area, "Area", field="area")
        scope = await follow_in(context.read, context.actor, where)
        await opened(info, ALERTS, where)
        sight = sight_of(context.actor)
        return context.services.feeds.feed(
            ALERTS,
            scope=scope,
            admit=lambda item: shows(sight, item),
            present=present_change,
            key=sharing(info),
            after=start,
        )

    @strawberry.subscription(description="Events the caller sees, of one area or device when given. 事件动态。")
    async def event_feed(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        device: strawberry.ID | None = None,
        after: str | None = None,
    ) -> AsyncIterable[EventFeedItem]:
        context, start = info.context, _after(after)
        only, where = optional_id(device, "Device", field="device"), optional_id(area, "Area", field="area")
        scope = await follow_in(context.read, context.actor, where)
        await opened(info, EVENTS, where, device=only)
        return context.services.feeds.feed(
            EVENTS,
            scope=scope,
            admit=lambda item: sees_event(context.actor, item) and only in (None, item.row.device_id),
            present=present_event,
            key=sharing(info, only),
            after=start,
        )
