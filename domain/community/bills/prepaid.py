"""What homes have paid ahead: deposits taken by the office, what bills use of them and give back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.bills.errors import InvalidDeposit
from domain.community.bills.models import Bill, PrepaidBalance, PrepaidEntry
from domain.community.bills.policies import may_decide_dues
from domain.community.bills.sight import areas, home_for
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_FEN = 100_000_000


async def deposit(uow: UnitOfWork, *, home_id: int, amount_fen: int, note: str = "") -> int:
    """Take a deposit at the office; the balance's id. Raises NotFound, Forbidden, InvalidDeposit, InvalidText."""
    home = await home_for(uow, home_id, may_decide_dues)
    if not 0 < amount_fen <= MOST_FEN:
        raise InvalidDeposit(field="amountFen")
    said = words(note, field="note", most=200)
    balance_id = await add(uow, home, home_id, amount_fen, kind="deposit", note=said)
    uow.record(
        "prepaid.deposited", "PrepaidBalance", balance_id, where=home, homes=(home_id,), details={"fen": amount_fen}
    )
    return balance_id


async def add(
    uow: UnitOfWork, where: Any, home_id: int, amount_fen: int, *, kind: str, bill_id: int | None = None, note: str = ""
) -> int:
    """Add to a home's balance and say why; returns the balance's id. where: anything with the home's area columns."""
    added = insert(PrepaidBalance).values(
        areas(where) | {"home_id": home_id, "balance_fen": amount_fen, "changed_at": uow.now}
    )
    done = await uow.session.execute(
        added.on_conflict_do_update(
            index_elements=["home_id"],
            set_={
                "balance_fen": PrepaidBalance.balance_fen + added.excluded.balance_fen,
                "changed_at": added.excluded.changed_at,
            },
        ).returning(PrepaidBalance.id)
    )
    entry = {"kind": kind, "amount_fen": amount_fen, "bill_id": bill_id, "note": note}
    await uow.session.execute(plain_insert(PrepaidEntry).values(_entry(uow, areas(where), home_id) | entry))
    return int(done.scalar_one())


async def use(uow: UnitOfWork, wanted: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """Take from balances what bills want of them. wanted: home and fen by bill; what each got, of those that got any.

    Balances are locked in the order of their homes; bills of one home are served in their order.
    """
    if not wanted:
        return {}
    found = await uow.session.execute(
        select(PrepaidBalance)
        .join(Bill, Bill.home_id == PrepaidBalance.home_id)
        .where(Bill.id.in_(wanted), PrepaidBalance.balance_fen > 0)
        .order_by(PrepaidBalance.home_id)
        .with_for_update(of=PrepaidBalance)
        .execution_options(populate_existing=True)
    )
    balances = {balance.home_id: balance for balance in found.scalars()}
    left = {home: balance.balance_fen for home, balance in balances.items()}
    got: dict[int, int] = {}
    entries = []
    for bill_id, (home, fen) in sorted(wanted.items()):
        part = min(fen, left.get(home, 0))
        if part <= 0:
            continue
        got[bill_id] = part
        left[home] -= part
        entry = {"kind": "used", "amount_fen": -part, "bill_id": bill_id}
        entries.append(_entry(uow, areas(balances[home]), home) | entry)
    for home, balance in balances.items():
        if left[home] != balance.balance_fen:
            changed = update(PrepaidBalance).where(PrepaidBalance.home_id == home)
            await uow.session.execute(
                changed.values(balance_fen=left[home], changed_at=uow.now).execution_options(synchronize_session=False)
            )
    if entries:
        await uow.session.execute(plain_insert(PrepaidEntry), entries)
    return got


def _entry(uow: UnitOfWork, where: dict[str, int], home_id: int) -> dict[str, Any]:
    return where | {"home_id": home_id, "made_by": uow.actor.account_id, "at": uow.now}
