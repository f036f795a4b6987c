"""Residents of homes: inviting, verifying by the property office, leaving."""

from __future__ import annotations

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.estate.models import Home
from domain.identity.accounts.service import ensure_account
from domain.identity.allowances import spend
from domain.identity.errors import AlreadyMember, HouseholdEnded, OwnRole
from domain.identity.events import ResidentLeft
from domain.identity.models import Household
from domain.identity.policies import may_change_home, may_verify, place_of
from domain.identity.ports import Vault
from domain.identity.queries import visible_households
from domain.identity.rules import INVITE_PER_ACCOUNT, normalise_phone
from domain.kernel.actor import HomeRole, Trust
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.uow import UnitOfWork


async def invite_member(uow: UnitOfWork, *, vault: Vault, home_id: int, phone: str, name: str, role: HomeRole) -> int:
    """Bring the phone's holder into the home as ``role``; returns the household's id. Invited by the office they are
    verified at once, by a resident they are phone-verified.

    Raises NotFound (home out of sight), Forbidden, AlreadyMember, Limited, InvalidPhone, InvalidName.
    """
    number = normalise_phone(phone)
    home = (
        await uow.session.execute(
            select(Home.county_id, Home.town_id, Home.community_id, Home.compound_id).where(Home.id == home_id)
        )
    ).first()
    if home is None:
        raise NotFound(field="home")
    place = place_of(home)
    if not may_change_home(uow.actor, home_id, role, place):
        raise Forbidden
    by_office = may_verify(uow.actor, place)
    if not by_office:
        await spend(uow, INVITE_PER_ACCOUNT, vault.index("rate_limit.account", str(uow.actor.account_id)))
    account = await ensure_account(uow, vault=vault, phone=number, name=name)
    if by_office and account.id == uow.actor.account_id:
        raise OwnRole
    row = {
        "home_id": home_id,
        "account_id": account.id,
        "role": str(role),
        "trust": str(Trust.OFFICE if by_office else Trust.PHONE),
        "county_id": place.county_id,
        "town_id": place.town_id,
        "community_id": place.community_id,
        "compound_id": place.compound_id,
        "created_at": uow.now,
    }
    added = (
        await uow.session.execute(
            insert(Household)
            .values(row)
            .on_conflict_do_nothing(index_elements=["home_id", "account_id"], index_where=text("ended_at is null"))
            .returning(Household.id)
        )
    ).scalar()
    if added is None:
        raise AlreadyMember
    details = {"account": account.id, "role": row["role"], "trust": row["trust"]}
    uow.record("household.added", "Household", added, where=place, homes=(home_id,), details=details)
    uow.tell("access", account_id=account.id)
    return int(added)


async def _locked(uow: UnitOfWork, household_id: int) -> Household:
    """The household, locked, which the actor sees: row-level security alone shows those of a town or county too.

    Raises NotFound.
    """
    seen = select(Household).where(Household.id == household_id, visible_households(uow.actor))
    found = (await uow.session.execute(seen.with_for_update())).scalar_one_or_none()
    if found is None:
        raise NotFound(field="household")
    return found


def _record(uow: UnitOfWork, action: str, household: Household) -> None:
    said = {"account": household.account_id, "role": household.role}
    uow.record(action, "Household", household.id, where=household, homes=(household.home_id,), details=said)


async def verify_household(uow: UnitOfWork, *, household_id: int) -> None:
    """The property office vouches for a resident. Verifying again changes nothing.

    Raises NotFound, Forbidden (not the office of this compound), OwnRole, HouseholdEnded.
    """
    household = await _locked(uow, household_id)
    if not may_verify(uow.actor, place_of(household)):
        raise Forbidden
    if household.account_id == uow.actor.account_id:
        raise OwnRole
    if household.ended_at is not None:
        raise HouseholdEnded
    await uow.session.execute(update(Household).where(Household.id == household_id).values(trust=str(Trust.OFFICE)))
    _record(uow, "household.verified", household)
    uow.tell("access", account_id=household.account_id)


async def end_household(uow: UnitOfWork, *, household_id: int) -> None:
    """The resident leaves the home: by themselves, by whoever might have invited them, or by the office.

    Raises NotFound, Forbidden, HouseholdEnded.
    """
    household = await _locked(uow, household_id)
    own = household.account_id == uow.actor.account_id
    role, place = HomeRole(household.role), place_of(household)
    if not own and not may_change_home(uow.actor, household.home_id, role, place):
        raise Forbidden
    if household.ended_at is not None:
        raise HouseholdEnded
    await uow.session.execute(update(Household).where(Household.id == household_id).values(ended_at=uow.now))
    _record(uow, "household.ended", household)
    left = ResidentLeft(household.home_id, household.account_id, uow.now.isoformat())
    uow.emit(left, compound_id=household.compound_id)
    uow.tell("access", account_id=household.account_id)
