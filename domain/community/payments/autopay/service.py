"""Commands on auto-pay, and what vendors say of its agreements. A vendor is never called inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import exists, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.payments.autopay.errors import AutopayExists, AutopayOver, InvalidLimit, NoKinds
from domain.community.payments.autopay.models import Autopay, AutopayPlan
from domain.community.payments.autopay.policies import may_raise, visible
from domain.community.payments.autopay.ports import AgreementState
from domain.community.payments.autopay.rules import (
    LATE_SIGN,
    LIVE,
    SIGN_WITHIN,
    SIGNED,
    AutopayState,
    EndedBecause,
    agreement_number,
    within,
)
from domain.community.payments.autopay.schedule import NOTICE, PlanState, ten_from
from domain.community.payments.autopay.telling import News, tell, tell_over
from domain.community.payments.charges import ChargeKind
from domain.community.payments.policies import may_pay
from domain.community.payments.ports import Vendor
from domain.community.payments.rules import FIRST_PAUSE, compound_of
from domain.estate.models import Area, Home
from domain.estate.visibility import visible_to
from domain.identity.models import Household
from domain.kernel.actor import NOTHING, Actor, Scope, Trust, system_actor
from domain.kernel.acts import AREAS
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.uow import UnitOfWork

STAYS = exists().where(
    Household.home_id == Autopay.home_id,
    Household.account_id == Autopay.account_id,
    Household.trust == str(Trust.OFFICE),
    Household.ended_at.is_(None),
)
"""SQL: whoever signed is still a verified resident of the home."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What auto-pay takes: kinds of charges, and at most so many fen at once and in a calendar month."""

    kinds: Sequence[ChargeKind]
    limit_fen: int
    monthly_limit_fen: int

    def columns(self) -> dict[str, Any]:
        """The columns. Raises InvalidLimit, NoKinds."""
        if not self.kinds:
            raise NoKinds(field="kinds")
        if not within(self.limit_fen, self.monthly_limit_fen):
            raise InvalidLimit(field="limitFen")
        kinds = sorted({str(kind) for kind in self.kinds})
        return {"kinds": kinds, "limit_fen": self.limit_fen, "monthly_limit_fen": self.monthly_limit_fen}


async def ask_autopay(uow: UnitOfWork, *, home_id: int, vendor: Vendor, terms: Terms) -> tuple[int, str]:
    """Note that the actor is about to sign an agreement: the auto-pay's id and the agreement's number.

    Asked again before it is signed it is the same, on the newer terms. Raises NotFound, Forbidden, AutopayExists,
    InvalidLimit, NoKinds.
    """
    seen = select(*(getattr(Home, name) for name in AREAS)).where(
        Home.id == home_id, visible_to(uow.actor, Home, home="id")
    )
    home = (await uow.session.execute(seen)).first()
    if home is None:
        raise NotFound(field="home")
    if not may_pay(uow.actor, home_id):
        raise Forbidden
    renewed = terms.columns() | {"expires_at": uow.now + SIGN_WITHIN, "check_at": uow.now + FIRST_PAUSE, "checks": 0}
    row = renewed | {
        **{name: getattr(home, name) for name in AREAS},
        "home_id": home_id,
        "account_id": uow.actor.account_id,
        "vendor": str(vendor),
        "number": agreement_number(home.compound_id),
        "asked_at": uow.now,
    }
    mine = (Autopay.state == str(AutopayState.PENDING)) & (Autopay.account_id == uow.actor.account_id)
    asked = await uow.session.execute(
        insert(Autopay)
        .values(row)
        .on_conflict_do_update(
            index_elements=["home_id"],
            index_where=text("state <> 'ended'"),
            set_=renewed,
            where=mine & (Autopay.vendor == str(vendor)),
        )
        .returning(Autopay.id, Autopay.number)
    )
    made = asked.first()
    if made is None:
        raise AutopayExists(field="home")
    uow.record("autopay.asked", "Autopay", made.id, where=home, homes=(home_id,), details=_said(terms))
    return made.id, made.number


def _said(terms: Terms) -> dict[str, Any]:
    return {"limit_fen": terms.limit_fen, "monthly_limit_fen": terms.monthly_limit_fen}


async def locked(uow: UnitOfWork, autopay_id: int) -> Autopay:
    """The auto-pay, locked, which the actor sees. Raises NotFound."""
    found = await uow.session.execute(
        select(Autopay)
        .where(Autopay.id == autopay_id, visible(uow.actor, Autopay))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    autopay = found.scalar_one_or_none()
    if autopay is None:
        raise NotFound(field="id")
    return autopay


async def change_autopay(uow: UnitOfWork, *, autopay_id: int, terms: Terms) -> None:
    """Change what it takes. Raises NotFound, Forbidden (not whoever signed it), AutopayOver, InvalidLimit, NoKinds."""
    autopay = await locked(uow, autopay_id)
    if not may_raise(uow.actor, autopay):
        raise Forbidden
    if autopay.state not in LIVE:
        raise AutopayOver
    await write(uow, autopay, **terms.columns())
    record(uow, "autopay.changed", autopay, **_said(terms))


async def pause_autopay(uow: UnitOfWork, *, autopay_id: int) -> None:
    """Take nothing until it is resumed. Raises NotFound, AutopayOver."""
    autopay = await locked(uow, autopay_id)
    if autopay.state != AutopayState.ACTIVE:
        raise AutopayOver
    await write(uow, autopay, state=str(AutopayState.PAUSED))
    record(uow, "autopay.paused", autopay)


async def resume_autopay(uow: UnitOfWork, *, autopay_id: int) -> None:
    """Go on. Raises NotFound, Forbidden (not whoever signed it), AutopayOver."""
    autopay = await locked(uow, autopay_id)
    if not may_raise(uow.actor, autopay):
        raise Forbidden
    if autopay.state != AutopayState.PAUSED:
        raise AutopayOver
    await write(uow, autopay, state=str(AutopayState.ACTIVE))
    await _plan_anew(uow, autopay)
    record(uow, "autopay.resumed", autopay)


async def _plan_anew(uow: UnitOfWork, autopay: Autopay) -> None:
    """What would be taken before a day has passed is told anew, and leaves that day."""
    zone = await uow.session.scalar(select(Area.timezone).where(Area.id == autopay.compound_id))
    at = ten_from(uow.now + NOTICE, str(zone))
    planned = (AutopayPlan.autopay_id == autopay.id) & (AutopayPlan.state == str(PlanState.PLANNED))
    moved = await uow.session.execute(
        update(AutopayPlan)
        .where(planned, AutopayPlan.take_at < at)
        .values(take_at=at, told_at=uow.now)
        .returning(AutopayPlan.id, AutopayPlan.amount_fen)
        .execution_options(synchronize_session=False)
    )
    for plan in moved.all():
        tell(uow, autopay, plan, News.PLANNED, at=at)


async def end_autopay(uow: UnitOfWork, *, autopay_id: int) -> None:
    """Take nothing any more; the vendor is told soon after. Raises NotFound, AutopayOver."""
    autopay = await locked(uow, autopay_id)
    if autopay.state not in LIVE:
        raise AutopayOver
    await end(uow, autopay, EndedBecause.RESIDENT)


async def end(uow: UnitOfWork, autopay: Autopay, because: EndedBecause) -> None:
    """End an auto-pay that is locked and has not ended. Where the vendor does not know of it, it will be told."""
    late = LATE_SIGN if because is EndedBecause.NEVER_SIGNED else timedelta()
    check_at = None if because is EndedBecause.VENDOR else uow.now + late
    said = {"state": str(AutopayState.ENDED), "closed_at": uow.now, "closed_because": str(because)}
    await write(uow, autopay, **said, check_at=check_at, checks=0)
    await uow.session.execute(
        update(AutopayPlan)
        .where(AutopayPlan.autopay_id == autopay.id, AutopayPlan.state == str(PlanState.PLANNED))
        .values(state=str(PlanState.SKIPPED))
        .execution_options(synchronize_session=False)
    )
    if because is not EndedBecause.NEVER_SIGNED:
        tell_over(uow, autopay)
    record(uow, "autopay.ended", autopay, because=str(because))


async def write(uow: UnitOfWork, autopay: Autopay, **values: object) -> None:
    """Change columns of an auto-pay that is locked."""
    changed = update(Autopay).where(Autopay.id == autopay.id).values(**values)
    await uow.session.execute(changed.execution_options(synchronize_session=False))


def record(uow: UnitOfWork, action: str, autopay: Autopay, **said: object) -> None:
    """Put an act on an auto-pay into the audit log."""
    uow.record(action, "Autopay", autopay.id, where=autopay, homes=(autopay.home_id,), details=said)


def system_in(number: str) -> Actor:
    """Who takes what is said of an agreement: the system, in the compound that its number tells."""
    compound_id = compound_of(number)
    return system_actor(NOTHING if compound_id is None else Scope(compounds=(compound_id,)))


async def take_word(uow: UnitOfWork, *, vendor: Vendor, number: str, state: AgreementState) -> str:
    """Take what the vendor says of an agreement: what it led to. Twice, late or in another order changes nothing."""
    found = await uow.session.execute(
        select(Autopay)
        .where(Autopay.number == number, Autopay.vendor == str(vendor))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    autopay = found.scalar_one_or_none()
    if autopay is None:
        return "foreign"
    if state is AgreementState.SIGNED:
        return await _signed(uow, autopay)
    if state is AgreementState.ENDED and autopay.state != AutopayState.ENDED:
        await end(uow, autopay, EndedBecause.VENDOR)
        return "ended"
    if autopay.state == AutopayState.ENDED and autopay.check_at is not None and state is AgreementState.ENDED:
        await write(uow, autopay, check_at=None)
    return "known"


async def _signed(uow: UnitOfWork, autopay: Autopay) -> str:
    if autopay.state == AutopayState.PENDING:
        await write(uow, autopay, state=str(AutopayState.ACTIVE), signed_at=uow.now, check_at=None)
        record(uow, "autopay.signed", autopay)
        return "signed"
    if autopay.state == AutopayState.ENDED and autopay.closed_because != EndedBecause.VENDOR:
        await write(uow, autopay, check_at=uow.now, checks=0)  # too late: it is ended there too
        return "too_late"
    return "known"


async def end_of_leavers(uow: UnitOfWork, *, limit: int) -> int:
    """End up to ``limit`` of residents whom the office no longer vouches for in the home; how many."""
    found = await uow.session.execute(
        select(Autopay)
        .where(Autopay.state.in_([*map(str, (AutopayState.PENDING, *SIGNED))]), ~STAYS)
        .where(visible(uow.actor, Autopay))
        .order_by(Autopay.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    left = found.scalars().all()
    for autopay in left:
        await end(uow, autopay, EndedBecause.LEFT)
    return len(left)
