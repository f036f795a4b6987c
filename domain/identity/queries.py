"""Reads of identity: who a token stands for, people, households, grants and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Subquery, cast, exists, func, null, or_, select, union_all

from domain.estate.visibility import in_scope, scope_as, visible_to
from domain.identity.authenticators.models import Authenticator
from domain.identity.models import Account, RoleGrant, Session
from domain.identity.models import Household as HouseholdRow
from domain.identity.policies import SEES_RESIDENTS, Place, SecondFactor, in_effect, place_of
from domain.kernel.actor import Actor, ActorKind, Grant, HomeRole, Household, Level, Role, Scope, Trust, scope_of
from domain.kernel.errors import Unauthenticated
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import MAX_PAGE, Page
from domain.kernel.uow import AnyRow, Reader

HOUSEHOLD_COLUMNS = (
    HouseholdRow.id,
    HouseholdRow.home_id,
    HouseholdRow.account_id,
    HouseholdRow.county_id,
    HouseholdRow.town_id,
    HouseholdRow.community_id,
    HouseholdRow.compound_id,
    HouseholdRow.role,
    HouseholdRow.trust,
    HouseholdRow.lives_alone,
    HouseholdRow.disabled_person,
    HouseholdRow.created_at,
    HouseholdRow.ended_at,
)
GRANT_COLUMNS = (
    RoleGrant.id,
    RoleGrant.account_id,
    RoleGrant.role,
    RoleGrant.area_id,
    RoleGrant.level,
    RoleGrant.granted_at,
    RoleGrant.revoked_at,
)
SESSION_COLUMNS = (Session.id, Session.account_id, Session.client, Session.created_at, Session.expires_at)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The actor behind a token, and the language its texts are in."""

    actor: Actor
    language: str


def identity_scope(account_id: int) -> Scope:
    """The scope to look up an account's own grants and households under."""
    return Scope(account=account_id)


def _who(account_id: int, session_id: int, now: datetime) -> Select[*tuple[Any, ...]]:
    grants = (
        select(func.jsonb_agg(func.jsonb_build_array(RoleGrant.role, RoleGrant.area_id, RoleGrant.level)))
        .where(RoleGrant.account_id == Account.id, RoleGrant.revoked_at.is_(None))
        .correlate(Account)
        .scalar_subquery()
    )
    homes = (
        select(
            func.jsonb_agg(
                func.jsonb_build_array(
                    HouseholdRow.home_id,
                    HouseholdRow.compound_id,
                    HouseholdRow.role,
                    HouseholdRow.trust,
                    HouseholdRow.created_at,
                )
            )
        )
        .where(HouseholdRow.account_id == Account.id, HouseholdRow.ended_at.is_(None))
        .correlate(Account)
        .scalar_subquery()
    )
    second = exists().where(Authenticator.account_id == Account.id, Authenticator.confirmed_at.is_not(None))
    return (
        select(
            Account.token_version,
            Account.language,
            grants.label("grants"),
            homes.label("homes"),
            second.label("second_factor"),
        )
        .join(Session, Session.account_id == Account.id)
        .where(Account.id == account_id, Account.disabled_at.is_(None))
        .where(Session.id == session_id, Session.ended_at.is_(None), Session.expires_at > now)
    )


async def resolve_actor(
    reader: Reader,
    *,
    account_id: int,
    session_id: int,
    token_version: int,
    now: datetime,
    second_factor: SecondFactor,
) -> Resolved:
    """The actor behind a token as the database knows it now, in one statement.

    second_factor: what is not in effect without a confirmed authenticator. ``reader`` is open under
    ``identity_scope(account_id)``. Raises Unauthenticated when the account is disabled, the session has ended, or every
    token of this version was ended.
    """
    row = await reader.row(_who(account_id, session_id, now))
    if row is None or row.token_version != token_version:
        raise Unauthenticated
    roles = tuple(Grant(Role(role), area, Level(level)) for role, area, level in sorted(row.grants or ()))
    lived_in = tuple(
        Household(home, at, HomeRole(role), Trust(trust), datetime.fromisoformat(since))
        for home, at, role, trust, since in sorted(row.homes or ())
    )
    asked = SecondFactor.OPTIONAL if row.second_factor else second_factor
    grants, homes = in_effect(asked, roles, lived_in)
    actor = Actor(
        kind=ActorKind.ACCOUNT,
        account_id=account_id,
        session_id=session_id,
        grants=grants,
        households=homes,
        scope=scope_of(grants, homes, account_id),
        lacks_second_factor=(grants, homes) != (roles, lived_in),
    )
    return Resolved(actor, row.language)


@dataclass(frozen=True, slots=True)
class Person:
    """An account with the places through which the caller sees it (none for the caller's own), and the homes there."""

    id: int
    name: str
    phone_sealed: bytes
    places: tuple[Place, ...]
    homes: tuple[int, ...] = ()


def visible_households(actor: Actor) -> ColumnElement[bool]:
    """SQL: ``actor`` sees the household: where they are shown residents, in their own homes, and their own."""
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, HouseholdRow)
    return or_(_resident(actor), HouseholdRow.account_id == actor.account_id)


def _resident(actor: Actor) -> ColumnElement[bool]:
    return in_scope(scope_as(actor, SEES_RESIDENTS), HouseholdRow)


def _visible_grants(actor: Actor) -> ColumnElement[bool]:
    return or_(visible_to(actor, RoleGrant), RoleGrant.account_id == actor.account_id)


def ways_to(actor: Actor, ids: Sequence[int]) -> Subquery:
    """SQL: a row for each place through which ``actor`` sees an account among ``ids``: where it lives (with the home)
    and where it serves."""
    living = select(HouseholdRow.account_id, *_area_ids(HouseholdRow), HouseholdRow.home_id).where(
        HouseholdRow.account_id.in_(ids), HouseholdRow.ended_at.is_(None), _resident(actor)
    )
    holding = select(RoleGrant.account_id, *_area_ids(RoleGrant), cast(null(), Integer)).where(
        RoleGrant.account_id.in_(ids), RoleGrant.revoked_at.is_(None), visible_to(actor, RoleGrant)
    )
    return union_all(living, holding).subquery()


async def people_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, Person]:
    """The accounts among ``ids`` that the caller may see: their own, those living or holding a role in their scope."""
    seen = ways_to(actor, ids)
    rows = await reader.rows(
        select(Account.id, Account.name, Account.phone_sealed, *seen.c[1:])
        .join(seen, seen.c.account_id == Account.id, isouter=True)
        .where(Account.id.in_(ids), or_(Account.id == actor.account_id, seen.c.account_id.is_not(None)))
    )
    found: dict[int, Person] = {}
    for row in rows:
        known = found.get(row.id)
        places = () if row.county_id is None else (place_of(row),)
        homes = () if row.home_id is None else (row.home_id,)
        if known is not None:
            places, homes = (*known.places, *places), (*known.homes, *homes)
        found[row.id] = Person(row.id, row.name, row.phone_sealed, places, homes)
    return found


def _area_ids(table: Any) -> tuple[Any, ...]:
    return (table.county_id, table.town_id, table.community_id, table.compound_id)


async def household_page(
    reader: Reader,
    actor: Actor,
    *,
    home_id: int | None = None,
    compound_id: int | None = None,
    trust: Trust | None = None,
    own: bool = False,
    first: int,
    after: str | None,
) -> Page[AnyRow]:
    """Residents of visible homes, not ended; of one home or compound, of one trust, or the caller's own when asked."""
    query = select(*HOUSEHOLD_COLUMNS).where(HouseholdRow.ended_at.is_(None), visible_households(actor))
    if home_id is not None:
        query = query.where(HouseholdRow.home_id == home_id)
    if compound_id is not None:
        query = query.where(HouseholdRow.compound_id == compound_id)
    if trust is not None:
        query = query.where(HouseholdRow.trust == str(trust))
    if own:
        query = query.where(HouseholdRow.account_id == actor.account_id)
    return await keyset_page(reader, query, HouseholdRow.id, first=first, after=after)


async def household_by_id(reader: Reader, actor: Actor, household_id: int) -> AnyRow | None:
    """A visible household."""
    return await reader.row(
        select(*HOUSEHOLD_COLUMNS).where(HouseholdRow.id == household_id, visible_households(actor))
    )


async def grant_page(
    reader: Reader, actor: Actor, *, area_id: int | None, own: bool = False, first: int, after: str | None
) -> Page[AnyRow]:
    """Visible grants that are not revoked, over one area or of the caller when asked."""
    query = select(*GRANT_COLUMNS).where(RoleGrant.revoked_at.is_(None), _visible_grants(actor))
    if area_id is not None:
        query = query.where(RoleGrant.area_id == area_id)
    if own:
        query = query.where(RoleGrant.account_id == actor.account_id)
    return await keyset_page(reader, query, RoleGrant.id, first=first, after=after)


async def grant_by_id(reader: Reader, actor: Actor, grant_id: int) -> AnyRow | None:
    """A visible grant, also a revoked one."""
    return await reader.row(select(*GRANT_COLUMNS).where(RoleGrant.id == grant_id, _visible_grants(actor)))


async def open_sessions(reader: Reader, actor: Actor, now: datetime) -> Sequence[AnyRow]:
    """The caller's own sign-ins that still stand, newest first."""
    return await reader.rows(
        select(*SESSION_COLUMNS)
        .where(Session.account_id == actor.account_id, Session.ended_at.is_(None), Session.expires_at > now)
        .order_by(Session.id.desc())
        .limit(MAX_PAGE)
    )
