"""Reads of authenticators: the caller's own, and how many officials have none."""

from __future__ import annotations

from sqlalchemy import distinct, exists, func, select

from domain.identity.authenticators.models import Authenticator, RecoveryCode
from domain.identity.models import Account, RoleGrant
from domain.identity.policies import NEEDS_SECOND_FACTOR
from domain.kernel.actor import Actor
from domain.kernel.uow import AnyRow, Reader


async def own_authenticator(reader: Reader, actor: Actor) -> AnyRow | None:
    """``confirmed_at`` and ``codes_left`` of the caller's authenticator; None until one is confirmed."""
    left = (
        select(func.count(RecoveryCode.id))
        .where(RecoveryCode.account_id == Authenticator.account_id)
        .correlate(Authenticator)
        .scalar_subquery()
    )
    return await reader.row(
        select(Authenticator.confirmed_at, left.label("codes_left")).where(
            Authenticator.account_id == actor.account_id, Authenticator.confirmed_at.is_not(None)
        )
    )


async def officials(reader: Reader) -> tuple[int, int]:
    """How many in the reader's scope hold a role that needs an authenticator, and how many of them have none."""
    has = exists().where(Authenticator.account_id == RoleGrant.account_id, Authenticator.confirmed_at.is_not(None))
    people = func.count(distinct(RoleGrant.account_id))
    row = await reader.row(
        select(people, people.filter(~has))
        .join(Account, Account.id == RoleGrant.account_id)
        .where(RoleGrant.role.in_(NEEDS_SECOND_FACTOR), RoleGrant.revoked_at.is_(None), Account.disabled_at.is_(None))
    )
    assert row is not None  # noqa: S101 - a count always answers
    return row[0], row[1]
