"""Bills with all that corrected them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from domain.community.bills.kinds import BillState
from domain.community.bills.models import Bill
from domain.community.bills.pull.rules import Link, Stands, stands
from domain.community.payments.models import Charge
from domain.kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Chain:
    """A bill and those that correct it, in their order: rows of ``Bill``, each with ``charge_state``."""

    bills: tuple[Any, ...]

    @property
    def root(self) -> Any:
        """The one that came first."""
        return self.bills[0]

    @property
    def payable(self) -> Any:
        """The one that is issued; there must be one."""
        return next(bill for bill in self.bills if bill.state == BillState.ISSUED)

    def stands(self) -> Stands:
        """What has become of it."""
        links = [
            Link(b.state, b.amount_fen, b.charged_late_fen, b.prepaid_fen, b.period_from, b.charge_state)
            for b in self.bills
        ]
        return stands(links, said_fen=self.root.said_fen, missing_since=self.root.missing_since)


async def chains(uow: UnitOfWork, *roots: ColumnElement[bool]) -> list[Chain]:
    """The bills for which ``roots`` hold, with their corrections, in order of id."""
    first = select(Bill.id, Bill.id.label("root")).where(*roots).cte("chain", recursive=True)
    chain = first.union_all(select(Bill.id, first.c.root).join(first, Bill.corrects == first.c.id))
    rows = await uow.session.execute(
        select(*Bill.__table__.columns, Charge.state.label("charge_state"), chain.c.root)
        .join(chain, chain.c.id == Bill.id)
        .join(Charge, Charge.id == Bill.charge_id, isouter=True)
        .order_by(chain.c.root, Bill.id)
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.root, []).append(row)
    return [Chain(tuple(bills)) for bills in found.values()]
