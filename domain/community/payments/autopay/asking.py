"""What vendors must be asked or told about agreements: each handed to one asker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update

from domain.community.payments.autopay.models import Autopay
from domain.community.payments.autopay.rules import AutopayState, EndedBecause
from domain.community.payments.autopay.service import end
from domain.community.payments.ports import Vendor
from domain.community.payments.rules import FIRST_PAUSE, LONGEST_PAUSE
from domain.kernel import bulk
from domain.kernel.uow import UnitOfWork

_DUE: Final = f"""
update autopay set checks = checks + 1,
  check_at = $1 + least(interval '{LONGEST_PAUSE.total_seconds()} seconds',
                        interval '{FIRST_PAUSE.total_seconds()} seconds' * (1 << least(checks, 10)))
where id in (select id from autopay where check_at <= $1 order by check_at, id limit $2 for update skip locked)
returning id, compound_id, vendor, number, state, expires_at
"""  # noqa: S608 - seconds of ours


@dataclass(frozen=True, slots=True)
class DueAgreement:
    """An agreement to ask about while it is PENDING, or to end at the vendor once it has ENDED here."""

    id: int
    compound_id: int
    vendor: Vendor
    number: str
    state: AutopayState
    expires_at: datetime


async def due_agreements(uow: UnitOfWork, *, limit: int) -> list[DueAgreement]:
    """Up to ``limit`` agreements whose look is due, put off so that nobody else asks too; longer each time."""
    rows = await bulk.fetch(await uow.session.connection(), _DUE, uow.now, limit)
    return [
        DueAgreement(
            row["id"],
            row["compound_id"],
            Vendor(row["vendor"]),
            row["number"],
            AutopayState(row["state"]),
            row["expires_at"],
        )
        for row in rows
    ]


async def give_up(uow: UnitOfWork, autopay_id: int) -> None:
    """Nobody signed it in time."""
    found = await uow.session.execute(
        select(Autopay).where(Autopay.id == autopay_id, Autopay.state == str(AutopayState.PENDING)).with_for_update()
    )
    autopay = found.scalar_one_or_none()
    if autopay is not None:
        await end(uow, autopay, EndedBecause.NEVER_SIGNED)


async def ended_there(uow: UnitOfWork, autopay_id: int) -> None:
    """The vendor has ended it too: there is nothing more to tell."""
    await uow.session.execute(
        update(Autopay)
        .where(Autopay.id == autopay_id, Autopay.state == str(AutopayState.ENDED))
        .values(check_at=None)
        .execution_options(synchronize_session=False)
    )
