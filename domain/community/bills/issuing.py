"""Issuing bills, many in a few statements: each natural key once, then balances, then charges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import orjson

from domain.community.bills.due import Due, DueTerms, due
from domain.community.bills.kinds import BillKind, BillSource, BillState
from domain.community.payments.charges import ChargeKind, NewCharge, Subject, open_charges
from domain.community.payments.prepaid import service as prepaid
from domain.kernel import bulk
from domain.kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class NewBill:
    """A bill to be. source_key: what tells it from all others of its source in the compound. lines: as they are stored;
    they add up to ``amount_fen``. charged_late: a late fee that came with it."""

    home_id: int
    kind: BillKind
    source_key: str
    title: str
    period_from: date
    period_to: date
    amount_fen: int
    terms: DueTerms
    lines: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    bill_account_id: int | None = None
    charged_late: int = 0
    corrects: int | None = None
    reason: str = ""


_COLUMNS: Final = (
    ("home_id", "int"),
    ("kind", "text"),
    ("source_key", "text"),
    ("title", "text"),
    ("period_from", "date"),
    ("period_to", "date"),
    ("amount_fen", "int8"),
    ("bill_account_id", "int"),
    ("charged_late_fen", "int8"),
    ("late_fee_fen", "int8"),
    ("discount_fen", "int8"),
    ("deadline", "date"),
    ("late_daily", "int"),
    ("late_cap", "int"),
    ("grace_days", "int"),
    ("discount", "int"),
    ("discount_until", "date"),
    ("due_changes_on", "date"),
    ("corrects", "int"),
    ("reason", "text"),
    ("said", "text"),
)
_NAMES: Final = bulk.names(_COLUMNS[:-1])
# Only homes of the compound get one: a home's areas are looked up, not believed.
_INSERT: Final = f"""
insert into bill (county_id, town_id, community_id, compound_id, source, state, issued_at, {_NAMES}, lines)
select home.county_id, home.town_id, home.community_id, home.compound_id, $1, 'issued', $2,
       {", ".join(f"new.{name}" for name, _ in _COLUMNS[:-1])}, new.said::jsonb
from unnest({bulk.arrays(_COLUMNS, after=3)}) with ordinality as new ({bulk.names(_COLUMNS)}, place)
join home on home.id = new.home_id and home.compound_id = $3
order by new.place
on conflict (compound_id, source, source_key) do nothing
returning id, source_key
"""  # noqa: S608 - column names of ours only
_CLOSE: Final = """
update bill set prepaid_fen = new.prepaid, state = new.state, charge_id = new.charge
from unnest($1::int[], $2::int8[], $3::text[], $4::int[]) as new (id, prepaid, state, charge)
where bill.id = new.id
"""


async def issue(
    uow: UnitOfWork,
    *,
    compound_id: int,
    source: BillSource,
    bills: Sequence[NewBill],
    today: date,
    use_prepaid: bool = False,
) -> dict[str, int]:
    """Issue ``bills`` of homes of the compound; the ids of those that were not there before, by natural key.

    today: the compound's own day. Raises InvalidCharge.
    """
    if not bills:
        return {}
    sums = {new.source_key: _due(new, today) for new in bills}
    rows = [_row(new, sums[new.source_key]) for new in bills]
    connection = await uow.session.connection()
    arrays = bulk.transposed(_COLUMNS, rows)
    made = await bulk.fetch(connection, _INSERT, str(source), uow.now, compound_id, *arrays)
    ids: dict[str, int] = {row["source_key"]: int(row["id"]) for row in made}
    fresh = {ids[new.source_key]: new for new in bills if new.source_key in ids}
    wanted = {bill_id: (new.home_id, sums[new.source_key].total) for bill_id, new in fresh.items()}
    got = await prepaid.use(uow, Subject.BILL, wanted) if use_prepaid else {}
    owed = {bill_id: fen - got.get(bill_id, 0) for bill_id, (_, fen) in wanted.items()}
    await _charge(uow, fresh, owed, got)
    return ids


def _due(new: NewBill, today: date) -> Due:
    return due(new.amount_fen, new.terms, today, charged_late=new.charged_late)


def _row(new: NewBill, sums: Due) -> tuple[Any, ...]:
    terms = new.terms
    return (
        new.home_id, str(new.kind), new.source_key, new.title, new.period_from, new.period_to, new.amount_fen,
        new.bill_account_id, new.charged_late, sums.late, sums.discount, terms.deadline, terms.late_daily,
        terms.late_cap, terms.grace_days, terms.discount, terms.discount_until, sums.changes_on, new.corrects,
        new.reason, orjson.dumps(list(new.lines)).decode(),
    )  # fmt: skip


async def _charge(
    uow: UnitOfWork, fresh: Mapping[int, NewBill], owed: Mapping[int, int], got: Mapping[int, int]
) -> None:
    """Open charges of what is owed; what is not has been settled."""
    asked = [bill_id for bill_id, fen in owed.items() if fen > 0]
    charges = await open_charges(
        uow,
        [
            NewCharge(
                fresh[bill_id].home_id,
                ChargeKind(fresh[bill_id].kind),
                bill_id,
                owed[bill_id],
                fresh[bill_id].title,
                fresh[bill_id].terms.deadline,
            )
            for bill_id in asked
        ],
    )
    opened = dict(zip(asked, charges, strict=True))
    ids = list(fresh)
    states = [str(BillState.ISSUED if bill_id in opened else BillState.SETTLED) for bill_id in ids]
    connection = await uow.session.connection()
    prepaid_parts = [got.get(bill_id, 0) for bill_id in ids]
    await bulk.fetch(connection, _CLOSE, ids, prepaid_parts, states, [opened.get(bill_id) for bill_id in ids])
