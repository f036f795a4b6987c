"""Reads of identity: who a token stands for, people, households, grants and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from domain.identity.models import Account, RoleGrant, Session
from domain.identity.models import Household as HouseholdRow
from domain.kernel.actor import Actor, ActorKind, Grant, HomeRole, Household, Level, Role, Scope, Trust, scope_of
from domain.kernel.errors import Unauthenticated
from domain.kernel.uow import Reader

HOUSEHOLD_COLUMNS = (
    HouseholdRow.id,
    HouseholdRow.home_id,
    HouseholdRow.account_id,
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
ACCOUNT_COLUMNS = (Account.id, Account.name, Account.language, Account.phone_sealed, Account.created_at)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The actor behind a token, and the language its texts are in."""

    actor: Actor
    language: str


def identity_scope(account_id: int) -> Scope:
    """The scope to look up an account's own grants and households under."""
    return Scope(account=account_id)


def _who(account_id: int, session_id: int, now: datetime) -> Select[Any]:
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
                    HouseholdRow.home_id, HouseholdRow.compound_id, HouseholdRow.role, HouseholdRow.trust
                )
            )
        )
        .where(HouseholdRow.account_id == Account.id, HouseholdRow.ended_at.is_(None))
        .correlate(Account)
        .scalar_subquery()
    )
    return (
        select(Account.token_version, Account.language, grants.label("grants"), homes.label("homes"))
        .join(Session, Session.account_id == Account.id)
        .where(Account.id == account_id, Account.disabled_at.is_(None))
        .where(Session.id == session_id, Session.ended_at.is_(None), Session.expires_at > now)
    )


async def resolve_actor(
    reader: Reader, *, account_id: int, session_id: int, token_version: int, now: datetime
) -> Resolved:
    """The actor behind a token as the database knows it now, in one statement.

    ``reader`` is open under ``identity_scope(account_id)``. Raises Unauthenticated when the account is disabled, the
    session has ended, or every token of this version was ended.
    """
    row = await reader.row(_who(account_id, session_id, now))
    if row is None or row.token_version != token_version:
        raise Unauthenticated
    grants = tuple(Grant(Role(role), area, Level(level)) for role, area, level in sorted(row.grants or ()))
    homes = tuple(
        Household(home, at, HomeRole(role), Trust(trust)) for home, at, role, trust in sorted(row.homes or ())
    )
    actor = Actor(
        kind=ActorKind.ACCOUNT,
        account_id=account_id,
        session_id=session_id,
        grants=grants,
        households=homes,
        scope=scope_of(grants, homes, account_id),
    )
    return Resolved(actor, row.language)
