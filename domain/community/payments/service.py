"""Commands on orders: what a resident pays at once, and the attempts to pay it.

Locks are taken in one order everywhere: order, attempt, charges. A vendor is never called inside: the caller records an
attempt here, calls the port with no transaction open, and records here what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import insert, null, select, update

from domain.community.payments.charges import MOST_FEN
from domain.community.payments.errors import ChargeHeld, InvalidCharge, MixedHomes, OrderClosed, TooManyCharges
from domain.community.payments.models import Charge, PaymentAttempt, PaymentOrder, PaymentOrderLine
from domain.community.payments.policies import may_pay, visible
from domain.community.payments.ports import Channel, NewTrade, Party, Prepay
from domain.community.payments.rules import (
    FIRST_PAUSE,
    GRACE,
    MOST_CHARGES,
    ORDER_LASTS,
    AttemptState,
    ChargeState,
    ClosedBecause,
    OrderState,
    trade_number,
)
from domain.kernel.acts import AREAS
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.uow import UnitOfWork

LIVE = (AttemptState.CREATED, AttemptState.OPEN)
UNSETTLED = (*LIVE, AttemptState.CLOSING)


def place_columns(row: object) -> dict[str, int]:
    """The area columns and the home of a row, for rows beside it."""
    return {name: getattr(row, name) for name in (*AREAS, "home_id")}


async def create_order(uow: UnitOfWork, *, charge_ids: Sequence[int]) -> int:
    """Hold charges of one home to pay them at once; the order's id. It lasts half an hour.

    Raises TooManyCharges, NotFound, Forbidden, MixedHomes, ChargeHeld, InvalidCharge (together too much).
    """
    wanted = sorted(set(charge_ids))
    if not 1 <= len(wanted) <= MOST_CHARGES:
        raise TooManyCharges(field="charges", most=MOST_CHARGES)
    found = await uow.session.execute(
        select(Charge)
        .where(Charge.id.in_(wanted), visible(uow.actor, Charge))
        .order_by(Charge.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    charges = found.scalars().all()
    if len(charges) < len(wanted):
        raise NotFound(field="charges")
    if not all(may_pay(uow.actor, charge.home_id) for charge in charges):
        raise Forbidden
    if len({charge.home_id for charge in charges}) > 1:
        raise MixedHomes(field="charges")
    if any(charge.state != ChargeState.OPEN for charge in charges):
        raise ChargeHeld(field="charges")
    if sum(charge.amount_fen for charge in charges) > MOST_FEN:
        raise InvalidCharge(field="charges")
    assert uow.actor.account_id is not None  # noqa: S101 - whoever may pay has an account
    return (await open_order(uow, charges, account_id=uow.actor.account_id)).id


async def open_order(uow: UnitOfWork, charges: Sequence[Charge], *, account_id: int) -> PaymentOrder:
    """Hold open charges of one home, which are locked, in an order of that account."""
    order = await _insert_order(uow, charges, account_id)
    ids = [charge.id for charge in charges]
    await _set_charges(uow, ids, ChargeState.HELD)
    said = {"charges": ids, "amount_fen": order.amount_fen}
    uow.record("order.opened", "PaymentOrder", order.id, where=order, homes=(order.home_id,), details=said)
    return order


async def _insert_order(uow: UnitOfWork, charges: Sequence[Charge], account_id: int) -> PaymentOrder:
    first = charges[0]
    title = first.title if len(charges) == 1 else f"{first.title[:80]} 等 {len(charges)} 项"
    row = place_columns(first) | {
        "account_id": account_id,
        "amount_fen": sum(charge.amount_fen for charge in charges),
        "title": title,
        "opened_at": uow.now,
        "expires_at": uow.now + ORDER_LASTS,
    }
    order = (await uow.session.execute(insert(PaymentOrder).values(row).returning(PaymentOrder))).scalar_one()
    lines = [
        place_columns(charge)
        | {"order_id": order.id, "charge_id": charge.id, "amount_fen": charge.amount_fen, "live": True}
        for charge in charges
    ]
    await uow.session.execute(insert(PaymentOrderLine), lines)
    return order


async def _set_charges(uow: UnitOfWork, ids: Sequence[int], state: ChargeState) -> None:
    changed = update(Charge).where(Charge.id.in_(ids)).values(state=str(state))
    await uow.session.execute(changed.execution_options(synchronize_session=False))


async def locked_order(uow: UnitOfWork, order_id: int) -> PaymentOrder:
    """The order, locked, which the actor sees. Raises NotFound."""
    found = await uow.session.execute(
        select(PaymentOrder)
        .where(PaymentOrder.id == order_id, visible(uow.actor, PaymentOrder))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    order = found.scalar_one_or_none()
    if order is None:
        raise NotFound(field="id")
    return order


async def cancel_order(uow: UnitOfWork, *, order_id: int) -> None:
    """Give its charges free; what was begun with a vendor is closed there soon after.

    Raises NotFound, Forbidden, OrderClosed.
    """
    order = await locked_order(uow, order_id)
    if not may_pay(uow.actor, order.home_id):
        raise Forbidden
    if order.state != OrderState.OPEN:
        raise OrderClosed
    await close_order(uow, order)


async def close_order(uow: UnitOfWork, order: PaymentOrder) -> None:
    """Give the charges of an open order, which is locked, free again."""
    await _close(uow, [order.id], ClosedBecause.CANCELLED)
    uow.record("order.cancelled", "PaymentOrder", order.id, where=order, homes=(order.home_id,))


async def expire_orders(uow: UnitOfWork, *, limit: int) -> int:
    """Close up to ``limit`` orders whose time is over; how many."""
    over = (
        select(PaymentOrder.id)
        .where(PaymentOrder.state == OrderState.OPEN, PaymentOrder.expires_at <= uow.now - GRACE)
        .where(visible(uow.actor, PaymentOrder))
        .order_by(PaymentOrder.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = (await uow.session.scalars(over)).all()
    if ids:
        await _close(uow, ids, ClosedBecause.EXPIRED)
    return len(ids)


async def _close(uow: UnitOfWork, ids: Sequence[int], because: ClosedBecause) -> None:
    """Close open orders that are locked."""
    quiet = {"synchronize_session": False}
    await uow.session.execute(
        update(PaymentOrder)
        .where(PaymentOrder.id.in_(ids))
        .values(state=str(OrderState.CLOSED), closed_at=uow.now, closed_because=str(because))
        .execution_options(**quiet)
    )
    await uow.session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.order_id.in_(ids), PaymentAttempt.state.in_(LIVE))
        .values(state=str(AttemptState.CLOSING), check_at=uow.now, checks=0)
        .execution_options(**quiet)
    )
    held = select(PaymentOrderLine.charge_id).where(PaymentOrderLine.order_id.in_(ids))
    charges = (
        await uow.session.scalars(select(Charge.id).where(Charge.id.in_(held)).order_by(Charge.id).with_for_update())
    ).all()
    await _set_charges(uow, charges, ChargeState.OPEN)
    await uow.session.execute(
        update(PaymentOrderLine).where(PaymentOrderLine.order_id.in_(ids)).values(live=False).execution_options(**quiet)
    )


class Next(StrEnum):
    """What the caller does with an attempt.

    CREATE: call the port's create. ASK_FIRST: it may have been called before; query by the number, then create.
    CLOSE_FIRST: another channel was begun; close that, then start again. LAUNCH: the client may open it.
    """

    CREATE = "create"
    ASK_FIRST = "ask_first"
    CLOSE_FIRST = "close_first"
    LAUNCH = "launch"


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt and what comes next. prepay: of LAUNCH."""

    attempt_id: int
    compound_id: int
    next: Next
    trade: NewTrade
    prepay: Prepay | None = None


async def start_attempt(
    uow: UnitOfWork, *, order_id: int, channel: Channel, party: Party, payer_id: str = ""
) -> Started:
    """Record that the order is to be paid through ``channel``, before the vendor hears of it.

    An order has one attempt under way: the same channel again goes on with it. Raises NotFound, Forbidden, OrderClosed.
    """
    order = await locked_order(uow, order_id)
    if not may_pay(uow.actor, order.home_id):
        raise Forbidden
    if order.state != OrderState.OPEN or order.expires_at <= uow.now:
        raise OrderClosed
    found = await uow.session.execute(
        select(PaymentAttempt)
        .where(PaymentAttempt.order_id == order.id, PaymentAttempt.state.in_(LIVE))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    attempt = found.scalar_one_or_none()
    if attempt is None:
        return await begin_attempt(uow, order, channel, party, payer_id)
    trade = _trade(order, attempt.out_trade_no, Channel(attempt.channel), payer_id)
    if attempt.channel != channel:
        return Started(attempt.id, order.compound_id, Next.CLOSE_FIRST, trade)
    if attempt.state == AttemptState.OPEN and attempt.launch is not None:
        return Started(attempt.id, order.compound_id, Next.LAUNCH, trade, Prepay(**attempt.launch))
    return Started(attempt.id, order.compound_id, Next.ASK_FIRST, trade)


async def begin_attempt(
    uow: UnitOfWork, order: PaymentOrder, channel: Channel, party: Party, payer_id: str = ""
) -> Started:
    """Record the first attempt under way of an open order, which is locked."""
    trade = _trade(order, trade_number(order.compound_id), channel, payer_id)
    row = place_columns(order) | {
        "order_id": order.id,
        "out_trade_no": trade.out_trade_no,
        "vendor": str(channel.vendor),
        "channel": str(channel),
        "app_id": party.app_id,
        "seller_id": party.seller_id,
        "amount_fen": order.amount_fen,
        "created_at": uow.now,
        "expires_at": order.expires_at,
        "check_at": uow.now + 2 * FIRST_PAUSE,
    }
    made = await uow.session.execute(insert(PaymentAttempt).values(row).returning(PaymentAttempt.id))
    return Started(made.scalar_one(), order.compound_id, Next.CREATE, trade)


def _trade(order: PaymentOrder, number: str, channel: Channel, payer_id: str) -> NewTrade:
    return NewTrade(number, channel, order.amount_fen, order.title[:100], order.expires_at, payer_id)


async def record_prepay(uow: UnitOfWork, *, attempt_id: int, prepay: Prepay) -> None:
    """The vendor has the trade. Raises OrderClosed when the order was cancelled or paid meanwhile."""
    changed = await uow.session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.id == attempt_id, PaymentAttempt.state.in_(LIVE))
        .values(
            state=str(AttemptState.OPEN),
            launch={"launch": dict(prepay.launch), "url": prepay.url},
            check_at=uow.now + FIRST_PAUSE,
            checks=0,
        )
        .returning(PaymentAttempt.id)
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        raise OrderClosed


async def record_refused(uow: UnitOfWork, *, attempt_id: int, reason: str) -> None:
    """The vendor said no to the trade; another attempt may be made."""
    await _end(uow, attempt_id, (AttemptState.CREATED,), AttemptState.REFUSED, refused_because=reason[:200])


async def record_closed(uow: UnitOfWork, *, attempt_id: int, absent: bool = False) -> None:
    """The vendor closed the trade; money that comes all the same is still taken.

    absent: it does not know the trade yet, as with a code that nobody scanned. It can be paid until its time is over,
    so it is asked about once more then.
    """
    after = PaymentAttempt.expires_at + GRACE if absent else null()
    await _end(uow, attempt_id, UNSETTLED, AttemptState.CLOSED, check_at=after)


async def _end(
    uow: UnitOfWork, attempt_id: int, states: Sequence[AttemptState], state: AttemptState, **values: object
) -> None:
    await uow.session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.id == attempt_id, PaymentAttempt.state.in_(states))
        .values(**({"state": str(state), "launch": null(), "check_at": null()} | values))
        .execution_options(synchronize_session=False)
    )
