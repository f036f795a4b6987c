"""Commands on what homes have paid ahead: each is entries in the ledger, whose trigger moves the balance with them.

Entries, as debit and credit: "deposited" office and prepaid; "paid_out", back over the desk, prepaid and office; "used"
prepaid and receivable, for what was paid ahead and stands in no charge (so it is "opened" beside it); "returned", of
what was used for something no longer asked for, and "credited", of what was paid too much, receivable and prepaid (and
"reduced" beside it). A balance never falls below zero: the database refuses the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import insert, select

from domain.community.payments.charges import Subject
from domain.community.payments.models import LedgerEntry
from domain.community.payments.prepaid.models import PrepaidBalance
from domain.kernel import bulk
from domain.kernel.acts import AREAS
from domain.kernel.uow import UnitOfWork


class Back(StrEnum):
    """Why a home's balance grows without a deposit."""

    RETURNED = "returned"
    CREDITED = "credited"


async def take_deposit(uow: UnitOfWork, where: Any, home_id: int, amount_fen: int, *, note: str = "") -> int:
    """Book what the office took in; the balance's id. where: anything with the home's area columns."""
    entry = {"kind": "deposited", "debit": "office", "credit": "prepaid", "amount_fen": amount_fen, "note": note}
    await uow.session.execute(insert(LedgerEntry).values(_place(uow, where, home_id) | entry))
    found = await uow.session.execute(select(PrepaidBalance.id).where(PrepaidBalance.home_id == home_id))
    return int(found.scalar_one())


async def return_deposit(uow: UnitOfWork, where: Any, home_id: int, amount_fen: int, *, note: str) -> None:
    """Book what the office paid back of a balance, which is locked and has so much."""
    entry = {"kind": "paid_out", "debit": "prepaid", "credit": "office", "amount_fen": amount_fen, "note": note}
    await uow.session.execute(insert(LedgerEntry).values(_place(uow, where, home_id) | entry))


async def give_back(
    uow: UnitOfWork, where: Any, home_id: int, amount_fen: int, *, why: Back, subject: Subject, subject_id: int
) -> None:
    """Put what a home no longer owes for the subject, and has paid, onto its balance."""
    of = _place(uow, where, home_id) | {
        "subject": str(subject),
        "subject_id": subject_id,
        "amount_fen": amount_fen,
        "note": "",
    }
    less = of | {"kind": "reduced", "debit": "income", "credit": "receivable"}
    more = of | {"kind": str(why), "debit": "receivable", "credit": "prepaid"}
    await uow.session.execute(insert(LedgerEntry), [less, more])


_LOCK: Final = """
select home_id, balance_fen from prepaid_balance
where home_id = any($1::int[]) and balance_fen > 0 order by home_id for update
"""
_USE: Final = f"""
insert into ledger_entry ({", ".join(AREAS)}, home_id, kind, debit, credit, amount_fen, subject, subject_id, made_by,
                          at)
select {", ".join(f"b.{name}" for name in AREAS)}, b.home_id, k.kind, k.debit, k.credit, u.fen, $5::text, u.subject_id,
       $6::int, $1::timestamptz
from unnest($2::int8[], $3::int[], $4::int8[]) as u (subject_id, home_id, fen)
join prepaid_balance b on b.home_id = u.home_id
cross join (values (1, 'opened', 'receivable', 'income'), (2, 'used', 'prepaid', 'receivable'))
  as k (place, kind, debit, credit)
order by u.home_id, u.subject_id, k.place
"""  # noqa: S608 - names of columns


async def use(uow: UnitOfWork, subject: Subject, wanted: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """Take from balances what is owed for subjects. wanted: home and fen by the subject's id; what each got, of those
    that got any.

    Balances are locked in the order of their homes; subjects of one home are served in their order.
    """
    if not wanted:
        return {}
    connection = await uow.session.connection()
    locked = await bulk.fetch(connection, _LOCK, sorted({home for home, _ in wanted.values()}))
    left: dict[int, int] = {row["home_id"]: row["balance_fen"] for row in locked}
    got: dict[int, int] = {}
    for subject_id, (home, fen) in sorted(wanted.items()):
        part = min(fen, left.get(home, 0))
        if part > 0:
            got[subject_id] = part
            left[home] -= part
    if got:
        homes = [wanted[subject_id][0] for subject_id in got]
        said = (list(got), homes, list(got.values()), str(subject), uow.actor.account_id)
        await bulk.run(connection, _USE, uow.now, *said)
    return got


def _place(uow: UnitOfWork, where: Any, home_id: int) -> dict[str, Any]:
    areas = {name: getattr(where, name) for name in AREAS}
    return areas | {"home_id": home_id, "made_by": uow.actor.account_id, "at": uow.now}
