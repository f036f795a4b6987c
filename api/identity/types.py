"""GraphQL types of identity: the viewer, what they may act as, and where they live."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.estate.types import Area, area_of
from domain.kernel.actor import Grant, Role

strawberry.enum(Role, description="A role over an area. 在某区域内的角色。")


@strawberry.type(description="A role the viewer holds. 当前用户的角色。")
class HeldRole:
    """One grant of the viewer."""

    role: Role
    area_id: strawberry.Private[int]

    @strawberry.field(description="Over which area. 所辖区域。")
    async def area(self, info: Info) -> Area | None:
        return await area_of(info, self.area_id)


@strawberry.type(description="Who is signed in. 当前登录用户。")
class Viewer:
    """The caller."""

    @strawberry.field(description="The roles held. 拥有的角色。")
    def roles(self, info: Info) -> list[HeldRole]:
        return [held_role(grant) for grant in info.context.actor.grants]


def held_role(grant: Grant) -> HeldRole:
    """The GraphQL object of a grant."""
    return HeldRole(role=grant.role, area_id=grant.area_id)
