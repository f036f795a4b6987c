"""Inputs of identity's mutations."""

from __future__ import annotations

import strawberry

from domain.kernel.actor import HomeRole, Role


@strawberry.input(description="Who shall hold which role over which area. 角色授予参数。")
class GrantRoleInput:
    """``name`` is kept only when the phone has no account yet."""

    phone: str
    role: Role
    area: strawberry.ID
    name: str = ""


@strawberry.input(description="Who shall belong to which home, and how. 邀请参数。")
class InviteMemberInput:
    """``name`` is kept only when the phone has no account yet."""

    home: strawberry.ID
    phone: str
    role: HomeRole
    name: str = ""
