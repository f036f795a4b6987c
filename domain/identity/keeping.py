"""What a keeper sees of somebody, and what that person is anywhere: before anything is done to their ways in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import literal, or_, select

from domain.identity.errors import OwnRole
from domain.identity.models import Household, RoleGrant
from domain.identity.policies import KEEPERS, Place, Standing, holds, place_of
from domain.identity.queries import ways_to
from domain.kernel.actor import Actor, Role
from domain.kernel.errors import NotFound
from domain.kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Way:
    """A place through which the actor sees somebody: of a home they live in, or of a role they hold."""

    place: Place
    home_id: int | None


async def ways_of(uow: UnitOfWork, account_id: int) -> tuple[Way, ...]:
    """How the actor sees somebody else. Raises OwnRole, NotFound (field ``account``)."""
    if account_id == uow.actor.account_id:
        raise OwnRole(field="account")
    seen = ways_to(uow.actor, [account_id])
    rows = (await uow.session.execute(select(*seen.c))).all()
    if not rows:
        raise NotFound(field="account")
    return tuple(Way(place_of(row), row.home_id) for row in rows)


def kept(actor: Actor, ways: Sequence[Way]) -> tuple[Place, tuple[int, ...]]:
    """Where an act of a keeper is put on record: the first place they keep, and the person's homes there."""
    where = next(way.place for way in ways if holds(actor, KEEPERS, way.place))
    return where, tuple(way.home_id for way in ways if way.home_id is not None and way.place == where)


async def standing_of(uow: UnitOfWork, account_id: int, *, ever: bool = False) -> Standing:
    """All open roles and homes of an account, beyond the actor's scope: to be judged by, not to be shown.

    ever: those that are over, too.
    """
    held = select(
        RoleGrant.role, RoleGrant.county_id, RoleGrant.town_id, RoleGrant.community_id, RoleGrant.compound_id
    ).where(RoleGrant.account_id == account_id, or_(literal(ever), RoleGrant.revoked_at.is_(None)))
    lived_in = select(Household.county_id, Household.town_id, Household.community_id, Household.compound_id).where(
        Household.account_id == account_id, or_(literal(ever), Household.ended_at.is_(None))
    )
    async with uow.along(account_id):
        roles = (await uow.session.execute(held)).all()
        homes = (await uow.session.execute(lived_in)).all()
    return Standing(tuple((Role(row.role), place_of(row)) for row in roles), tuple(map(place_of, homes)))
