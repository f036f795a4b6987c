"""GraphQL types of alerts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.identity.types import Account, account_of
from api.nodes import Node, global_id
from api.security.types.devices import Device, device_of
from api.security.types.events import Event, event_of
from domain.security.alerts.facts import AlertFacts
from domain.security.alerts.models import AlertKind, Severity
from domain.security.alerts.queries import AlertState

ACCOUNTS = frozenset({"acknowledgedBy", "assignedTo", "clearedBy"})
"""Fields that lead to people: what is read of those depends on who reads it, not only on their rights."""


@strawberry.enum(description="Who is told. 告知对象。")
class Audience(StrEnum):
    """The home, the compound's staff, the community's police."""

    HOME = "home"
    STAFF = "staff"
    POLICE = "police"


@strawberry.type(description="Why an alert was raised. 告警原因。")
class Explanation:
    """``because``: the values that made the rule fire."""

    rule: str
    because: JSON
    words: strawberry.Private[dict[str, Any]]

    @strawberry.field(description="In the caller's language. 说明文字。")
    def text(self, info: Info) -> str:
        return str(self.words.get(info.context.language, self.words.get("en", "")))


@strawberry.type(description="Something people must know. 告警。")
class Alert(Node):
    """One alert. ``times``: how often its rule has fired while it was active."""

    kind: AlertKind
    state: AlertState
    acknowledged: bool
    severity: Severity
    place: str
    audience: list[Audience]
    explanation: Explanation
    times: int
    raised_at: datetime
    acknowledged_at: datetime | None
    cleared_at: datetime | None
    cleared_because: str | None
    note: str | None
    facts: strawberry.Private[AlertFacts]

    @strawberry.field(description="The device that noticed it, if visible. 来源设备（如可见）。")
    async def device(self, info: Info) -> Device | None:
        return await device_of(info, self.facts.device_id)

    @strawberry.field(description="The home it concerns, if visible. 相关住户（如可见）。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.facts.home_id)

    @strawberry.field(description="The compound it happened in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.facts.compound_id)

    @strawberry.field(description="The event that raised it, if visible. 触发事件（如可见）。")
    async def event(self, info: Info) -> Event | None:
        facts = self.facts
        if facts.event_id is None or facts.event_at is None:
            return None
        return await event_of(info, facts.compound_id, facts.event_at, facts.event_id)

    @strawberry.field(description="Who took notice, if visible. 确认人（如可见）。")
    async def acknowledged_by(self, info: Info) -> Account | None:
        return await _account(info, self.facts.acknowledged_by)

    @strawberry.field(description="Who deals with it, if visible. 处置人（如可见）。")
    async def assigned_to(self, info: Info) -> Account | None:
        return await _account(info, self.facts.assigned_to)

    @strawberry.field(description="Who cleared it; null when a rule did. 解除人（如可见）。")
    async def cleared_by(self, info: Info) -> Account | None:
        return await _account(info, self.facts.cleared_by)


async def _account(info: Info, account_id: int | None) -> Account | None:
    return await account_of(info, account_id) if account_id is not None else None


def explanation(stored: dict[str, Any]) -> Explanation:
    """The GraphQL object of a stored explanation."""
    return Explanation(rule=str(stored.get("rule", "")), because=JSON(stored.get("because", {})), words=stored)


def alert(facts: AlertFacts) -> Alert:
    """The GraphQL object of an alert's facts."""
    return Alert(
        id=global_id("Alert", f"{facts.compound_id}.{facts.id}"),
        kind=AlertKind(facts.kind),
        state=AlertState.ACTIVE if facts.cleared_at is None else AlertState.CLEARED,
        acknowledged=facts.acknowledged_at is not None,
        severity=list(Severity)[facts.severity - 1],
        place=facts.place,
        audience=[Audience(name) for name in facts.audience],
        explanation=explanation(facts.explanation),
        times=facts.times,
        raised_at=facts.raised_at,
        acknowledged_at=facts.acknowledged_at,
        cleared_at=facts.cleared_at,
        cleared_because=facts.cleared_because,
        note=facts.note,
        facts=facts,
    )
