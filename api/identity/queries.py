"""Root queries and node readers of identity."""

from __future__ import annotations

import strawberry

from api.context import Context, Info
from api.identity import loaders, types
from api.nodes import NodeReader, integer, row_id
from api.paging import Connection, connection
from domain.identity import queries
from domain.kernel.actor import Trust
from domain.kernel.paging import page_size


@strawberry.type
class IdentityQuery:
    """Root queries of identity."""

    @strawberry.field(description="Who is signed in. 当前登录用户。")
    def viewer(self) -> types.Viewer:
        return types.Viewer()

    @strawberry.field(description="Residents the caller may see. 可见的住户成员。")
    async def households(
        self,
        info: Info,
        home: strawberry.ID | None = None,
        compound: strawberry.ID | None = None,
        trust: Trust | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Household]:
        page = await queries.household_page(
            info.context.read,
            info.context.actor,
            home_id=row_id(home, "Home", field="home") if home is not None else None,
            compound_id=row_id(compound, "Area", field="compound") if compound is not None else None,
            trust=trust,
            first=page_size(first),
            after=after,
        )
        return connection(page, types.household)

    @strawberry.field(description="Roles held in the caller's areas. 辖区内的角色授予。")
    async def role_grants(
        self, info: Info, area: strawberry.ID | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[types.RoleGrant]:
        over = row_id(area, "Area", field="area") if area is not None else None
        page = await queries.grant_page(
            info.context.read, info.context.actor, area_id=over, first=page_size(first), after=after
        )
        return connection(page, types.role_grant)


async def read_account(context: Context, rest: str) -> types.Account | None:
    """``node(id)`` of an account."""
    person = await context.loaders.one(loaders.people, integer(rest))
    return types.account(person) if person is not None else None


async def read_household(context: Context, rest: str) -> types.Household | None:
    """``node(id)`` of a household."""
    row = await queries.household_by_id(context.read, context.actor, integer(rest))
    return types.household(row) if row is not None else None


async def read_grant(context: Context, rest: str) -> types.RoleGrant | None:
    """``node(id)`` of a grant."""
    row = await queries.grant_by_id(context.read, context.actor, integer(rest))
    return types.role_grant(row) if row is not None else None


NODE_READERS: dict[str, NodeReader] = {
    "Account": read_account,
    "Household": read_household,
    "RoleGrant": read_grant,
}
