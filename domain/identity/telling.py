"""What an account is told by a push, in its language: words without people, as pushes pass through other companies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from domain.identity.models import Account, RoleGrant
from domain.identity.policies import OFFICE
from domain.kernel.actor import WORKERS, Role
from domain.kernel.uow import UnitOfWork

CHINESE: Final = "zh-CN"
ENGLISH: Final = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """A push that may wait for the morning. collapse: a later push with the same word takes its place. link: where the
    thing stands in the app."""

    account_id: int
    title: str
    body: str
    link: str
    collapse: str


async def spoken(uow: UnitOfWork, account_id: int, *, works_in: int | None = None) -> str | None:
    """The language to tell the account in, zh-CN or en; None when it may not sign in any more, or does not work in the
    compound ``works_in``."""
    wanted = select(Account.language).where(Account.id == account_id, Account.disabled_at.is_(None))
    if works_in is not None:
        wanted = wanted.where(Account.id.in_(who_works(works_in, OFFICE | WORKERS)))
    language = (await uow.session.execute(wanted)).scalar()
    return language if language in (None, CHINESE) else ENGLISH


def who_works(compound_id: int, roles: frozenset[Role]) -> Select[int]:
    """SQL: accounts that hold one of ``roles``, which are given over compounds, over this one."""
    held = RoleGrant.role.in_(sorted(map(str, roles))) & RoleGrant.revoked_at.is_(None)
    return select(RoleGrant.account_id).where(RoleGrant.compound_id == compound_id, held)


def moment(at: datetime, zone: str, language: str) -> str:
    """An instant in words of a local day: 11月23日 09:00, 23 Nov 09:00."""
    local = at.astimezone(ZoneInfo(zone))
    day = f"{local.month}月{local.day}日" if language == CHINESE else f"{local.day} {local:%b}"
    return f"{day} {local:%H:%M}"
