"""Granting and revoking roles."""

from __future__ import annotations

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.estate.models import Area
from domain.identity.accounts.service import ensure_account
from domain.identity.errors import AlreadyGranted, AlreadyRevoked, OwnRole, RoleNotForLevel
from domain.identity.models import RoleGrant
from domain.identity.policies import LEVEL_OF, may_grant, place_of
from domain.identity.ports import Vault
from domain.identity.rules import normalise_phone
from domain.kernel.actor import Role
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.uow import UnitOfWork


async def grant_role(uow: UnitOfWork, *, vault: Vault, phone: str, name: str, role: Role, area_id: int) -> int:
    """Give the phone's holder ``role`` over the area; returns the grant's id. An unknown phone gets an account, so the
    answer does not tell who has one.

    Raises NotFound (area out of sight), RoleNotForLevel, Forbidden, OwnRole, AlreadyGranted, InvalidPhone, InvalidName.
    """
    number = normalise_phone(phone)
    area = (
        await uow.session.execute(
            select(Area.level, Area.county_id, Area.town_id, Area.community_id, Area.compound_id).where(
                Area.id == area_id
            )
        )
    ).first()
    if area is None:
        raise NotFound(field="area")
    if LEVEL_OF[role] != area.level:
        raise RoleNotForLevel(field="role")
    place = place_of(area)
    if not may_grant(uow.actor, role, place):
        raise Forbidden
    account = await ensure_account(uow, vault=vault, phone=number, name=name)
    if account.id == uow.actor.account_id:
        raise OwnRole
    row = {
        "account_id": account.id,
        "role": str(role),
        "area_id": area_id,
        "level": area.level,
        "county_id": place.county_id,
        "town_id": place.town_id,
        "community_id": place.community_id,
        "compound_id": place.compound_id,
        "granted_by": uow.actor.account_id,
        "granted_at": uow.now,
    }
    granted = (
        await uow.session.execute(
            insert(RoleGrant)
            .values(row)
            .on_conflict_do_nothing(
                index_elements=["account_id", "role", "area_id"], index_where=text("revoked_at is null")
            )
            .returning(RoleGrant.id)
        )
    ).scalar()
    if granted is None:
        raise AlreadyGranted
    details = {"account": account.id, "role": str(role), "area": area_id}
    uow.record("role.granted", "RoleGrant", granted, where=place, details=details)
    uow.tell("access", account_id=account.id)
    return int(granted)


async def revoke_role(uow: UnitOfWork, *, grant_id: int) -> None:
    """Take a role away; it ends at once, on open sockets too.

    Raises NotFound, Forbidden, OwnRole, AlreadyRevoked.
    """
    grant = (
        await uow.session.execute(select(RoleGrant).where(RoleGrant.id == grant_id).with_for_update())
    ).scalar_one_or_none()
    if grant is None:
        raise NotFound(field="grant")
    if grant.account_id == uow.actor.account_id:
        raise OwnRole
    if not may_grant(uow.actor, Role(grant.role), place_of(grant)):
        raise Forbidden
    if grant.revoked_at is not None:
        raise AlreadyRevoked
    await uow.session.execute(
        update(RoleGrant).where(RoleGrant.id == grant_id).values(revoked_at=uow.now, revoked_by=uow.actor.account_id)
    )
    details = {"account": grant.account_id, "role": grant.role, "area": grant.area_id}
    uow.record("role.revoked", "RoleGrant", grant_id, where=grant, details=details)
    uow.tell("access", account_id=grant.account_id)
