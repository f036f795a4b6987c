"""``auditLog``: who did and looked at what, for those who answer for the place."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from api.context import Context, Info
from api.estate import loaders as estate
from api.estate.types import Area, Home, area_of, home
from api.identity.types import Account, account_of
from api.nodes import global_id, optional_id
from api.paging import Connection, connection
from api.scalars import Since, Until
from domain.identity.audit import actions
from domain.identity.audit.queries import LogFilter, entry_page, places_read
from domain.kernel.acts import Act
from domain.kernel.paging import page_size
from domain.kernel.uow import AnyRow

OBJECTS = frozenset({"Account", "Alert", "Device", "EBike", "Home", "Household", "RoleGrant"})
"""Types of objects that ``node(id)`` finds by what an entry says of them."""
BLIND = frozenset({"client", "subject"})
"""Details that tell whether two entries are about one person: for whoever runs the deployment alone."""


@strawberry.type(description="One act on record: a change, or a look at personal data. 审计记录。")
class AuditEntry:
    """An entry of the audit log. It is no node: it is read in its list, and reading it is on record too."""

    id: strawberry.ID
    at: datetime
    action: str
    roles: list[str]
    object_type: str
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="What `action` means, in the caller's language. 操作名称。")
    def told(self, info: Info) -> str:
        return actions.told(self.action, info.context.language)

    @strawberry.field(description="Whose act it was, if the caller may see them. 操作人（如可见）。")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.row.account_id) if self.row.account_id is not None else None

    @strawberry.field(description="Where. 所在区域。")
    async def area(self, info: Info) -> Area | None:
        row = self.row
        return await area_of(info, row.compound_id or row.community_id or row.town_id or row.county_id)

    @strawberry.field(description="Whose residents it concerns. 涉及的住户。")
    async def homes(self, info: Info) -> list[Home]:
        load = info.context.loaders.one
        found = await asyncio.gather(*(load(estate.homes, home_id) for home_id in self.row.homes))
        return [home(row) for row in found if row is not None]

    @strawberry.field(description="The object's id, where `node(id)` finds it. 对象标识（如有）。")
    def object(self) -> strawberry.ID | None:
        row = self.row
        return global_id(row.object_type, row.object_id) if row.object_type in OBJECTS and row.object_id else None

    @strawberry.field(description="What else is on record; no personal data. 其他详情（不含个人信息）。")
    def details(self) -> JSON:
        return JSON({name: value for name, value in self.row.details.items() if name not in BLIND})


@strawberry.type
class AuditQuery:
    """The root query of the audit log."""

    @strawberry.field(description="The audit log, newest first; reading it is on record. 审计日志（最新在前）。")
    async def audit_log(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        account: strawberry.ID | None = None,
        action: str | None = None,
        since: Since = None,
        until: Until = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[AuditEntry]:
        context, where = info.context, optional_id(area, "Area", field="area")
        wanted = LogFilter(where, optional_id(account, "Account", field="account"), action, since, until)
        page = await entry_page(context.read, context.actor, wanted, first=page_size(first), after=after)
        await _looked(context, where, len(page.items))
        return connection(page, entry)


def entry(row: AnyRow) -> AuditEntry:
    """The GraphQL object of an entry's row."""
    return AuditEntry(
        id=global_id("AuditEntry", f"{row.chain}.{row.sequence}"),
        at=row.at,
        action=row.action,
        roles=row.roles,
        object_type=row.object_type,
        row=row,
    )


async def _looked(context: Context, area_id: int | None, shown: int) -> None:
    """The log was read: of one area, or of all that the caller answers for."""
    ids = places_read(context.actor) if area_id is None else [area_id]
    found: list[Any] = [await context.loaders.one(estate.areas, each) for each in ids]
    for place in found:
        if place is not None:
            context.looks.put(Act("audit.read", "AuditEntry", None, place, details={"shown": shown}))
