"""The office sends money back, and deals with what a vendor did not make: again, or by hand."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import insert, select, update

from domain.community.payments import booking
from domain.community.payments.charges import refund_charge
from domain.community.payments.errors import RefundNotFailed
from domain.community.payments.events import ChargeRefunded
from domain.community.payments.models import Charge, LedgerEntry, PaymentAttempt, PaymentOrder, Refund
from domain.community.payments.policies import may_settle, visible
from domain.community.payments.polling import DueRefund
from domain.community.payments.ports import NewRefund, Vendor
from domain.community.payments.rules import AskedState, needs_new_number, refund_number
from domain.identity.policies import place_of
from domain.kernel.acts import AREAS
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_NOTE: Final = 500
AGAIN: Final = "已重新发起退款"


async def refund(uow: UnitOfWork, *, charge_id: int, amount_fen: int, reason: str) -> int:
    """Ask for ``amount_fen`` of a paid charge back, as the compound's manager; the refund's id.

    Raises NotFound, Forbidden, InvalidText, NotRefundable.
    """
    await _check(uow, Charge, charge_id)
    return await refund_charge(uow, charge_id=charge_id, amount_fen=amount_fen, reason=reason)


async def failed_refund(uow: UnitOfWork, *, refund_id: int) -> DueRefund:
    """A refund that failed, to ask the vendor about before anything is done about it: its last word may be stale.

    Raises NotFound, Forbidden, RefundNotFailed.
    """
    failed, attempt = await _failed(uow, refund_id)
    asked = NewRefund(attempt.out_trade_no, failed.out_refund_no, failed.amount_fen, attempt.amount_fen, failed.reason)
    return DueRefund(failed.id, failed.compound_id, Vendor(attempt.vendor), attempt.seller_id, asked, asked=False)


async def retry_refund(uow: UnitOfWork, *, refund_id: int) -> int:
    """Ask the vendor for a refund that failed once more; the id of the refund that is now under way.

    It is the same one under the same number, or one that replaces it where the vendor has closed that number. Its
    amount was reserved all the time. Raises NotFound, Forbidden, RefundNotFailed.
    """
    failed, attempt = await _failed(uow, refund_id)
    again = refund_id
    if needs_new_number(attempt.vendor, failed.failed_because or ""):
        await _write(uow, refund_id, state=str(AskedState.REPLACED))
        again = await _replace(uow, failed)
    else:
        await _write(uow, refund_id, state=str(AskedState.ASKED), check_at=uow.now, checks=0)
    await _close_item(uow, failed, AGAIN)
    said = {"order": attempt.order_id, "amount_fen": failed.amount_fen, "refund": again}
    uow.record("refund.asked_again", "Refund", refund_id, where=failed, homes=(failed.home_id,), details=said)
    return again


async def settle_by_hand(uow: UnitOfWork, *, refund_id: int, note: str) -> None:
    """The office paid a refund that failed back itself, in cash or from its bank. note: how; residents read it.

    Raises InvalidText, NotFound, Forbidden, RefundNotFailed.
    """
    said = words(note, field="note", least=1, most=MOST_NOTE, lines=True)
    failed, attempt = await _failed(uow, refund_id)
    by = {"done_at": uow.now, "note": said, "settled_by": uow.actor.account_id}
    await _write(uow, refund_id, state=str(AskedState.BY_HAND), check_at=None, **by)
    tables: list[tuple[Any, int]] = [(PaymentAttempt, failed.attempt_id)]
    if failed.charge_id is not None:
        tables.append((Charge, failed.charge_id))
    for table, id in tables:
        moved = update(table).where(table.id == id).values(
            refunding_fen=table.refunding_fen - failed.amount_fen, refunded_fen=table.refunded_fen + failed.amount_fen
        )  # fmt: skip
        await uow.session.execute(moved.execution_options(synchronize_session=False))
    entry = {
        "kind": "refunded",
        "debit": "unallocated" if failed.charge_id is None else "refunds",
        "credit": "office",
        "amount_fen": failed.amount_fen,
        "charge_id": failed.charge_id,
        "attempt_id": failed.attempt_id,
        "refund_id": refund_id,
        "at": uow.now,
    }
    await uow.session.execute(insert(LedgerEntry).values(_place(failed) | entry))
    await _close_item(uow, failed, said)
    await _tell(uow, failed, attempt.order_id)


async def _tell(uow: UnitOfWork, paid: Refund, order_id: int) -> None:
    """The audit log, and the slice whose charge it was."""
    details = {"order": order_id, "amount_fen": paid.amount_fen}
    uow.record("refund.by_hand", "Refund", paid.id, where=paid, homes=(paid.home_id,), details=details)
    charge = await uow.session.get(Charge, paid.charge_id) if paid.charge_id is not None else None
    if charge is not None:
        back = ChargeRefunded(charge.compound_id, charge.id, charge.subject, charge.subject_id, paid.amount_fen)
        uow.emit(back, compound_id=charge.compound_id)


async def _check(uow: UnitOfWork, table: type[Charge] | type[Refund], id: int) -> None:
    """The row stands where the actor manages. Raises NotFound, Forbidden."""
    areas = (table.county_id, table.town_id, table.community_id, table.compound_id)
    found = await uow.session.execute(select(*areas).where(table.id == id, visible(uow.actor, table)))
    place = found.first()
    if place is None:
        raise NotFound(field="id")
    if not may_settle(uow.actor, place_of(place)):
        raise Forbidden


async def _failed(uow: UnitOfWork, refund_id: int) -> tuple[Refund, PaymentAttempt]:
    """The failed refund and its attempt, locked as ``settling`` locks: order, attempt, charge, refund.

    Raises NotFound, Forbidden, RefundNotFailed.
    """
    await _check(uow, Refund, refund_id)
    fresh: dict[str, Any] = {"populate_existing": True}
    of = select(Refund.attempt_id).where(Refund.id == refund_id).scalar_subquery()
    paid = await uow.session.execute(
        select(PaymentAttempt)
        .join(PaymentOrder, PaymentOrder.id == PaymentAttempt.order_id)
        .where(PaymentAttempt.id == of)
        .with_for_update(of=(PaymentOrder, PaymentAttempt))
        .execution_options(**fresh)
    )
    attempt = paid.scalar_one()
    for_what = select(Refund.charge_id).where(Refund.id == refund_id).scalar_subquery()
    locked = select(Charge).where(Charge.id == for_what).with_for_update()
    await uow.session.execute(locked.execution_options(**fresh))
    found = await uow.session.execute(
        select(Refund).where(Refund.id == refund_id).with_for_update().execution_options(**fresh)
    )
    failed = found.scalar_one()
    if failed.state != AskedState.FAILED:
        raise RefundNotFailed(field="refund")
    return failed, attempt


async def _write(uow: UnitOfWork, refund_id: int, **values: object) -> None:
    changed = update(Refund).where(Refund.id == refund_id).values(**values)
    await uow.session.execute(changed.execution_options(synchronize_session=False))


async def _replace(uow: UnitOfWork, failed: Refund) -> int:
    """A refund of the same money under a new number; its id."""
    row = _place(failed) | {
        "attempt_id": failed.attempt_id,
        "charge_id": failed.charge_id,
        "out_refund_no": refund_number(failed.compound_id),
        "amount_fen": failed.amount_fen,
        "reason": failed.reason,
        "asked_at": uow.now,
        "asked_by": uow.actor.account_id,
        "check_at": uow.now,
        "replaces_id": failed.id,
    }
    made: int = (await uow.session.execute(insert(Refund).values(row).returning(Refund.id))).scalar_one()
    return made


async def _close_item(uow: UnitOfWork, failed: Refund, note: str) -> None:
    connection = await uow.session.connection()
    await booking.close_failed(connection, [failed.out_refund_no], uow.now, note=note, by=uow.actor.account_id)


def _place(row: Refund) -> dict[str, int]:
    return {name: getattr(row, name) for name in (*AREAS, "home_id")}
