"""The statements behind ``settling``: rows are locked in one order and written in sets, a statement per table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.community.payments.ports import Notice
from domain.kernel import bulk

NOT_FAILED: Final = {"done": "退款已完成", "sent": "渠道正在退款"}
"""What the work item of a refund that failed says when it is made, or under way, after all."""
_AREAS: Final = "county_id, town_id, community_id, compound_id"


@dataclass(slots=True)
class OrderRow:
    """The state of an order, which its attempts share."""

    state: str


@dataclass(slots=True)
class AttemptRow:
    """An attempt with its order, locked. ``state`` and ``transaction_id`` go on as a batch is judged."""

    id: int
    order_id: int
    out_trade_no: str
    vendor: str
    app_id: str
    seller_id: str
    amount_fen: int
    state: str
    transaction_id: str | None
    county_id: int
    town_id: int
    community_id: int
    compound_id: int
    home_id: int
    order: OrderRow


@dataclass(slots=True)
class ChargeRow:
    """A charge in an order, locked. unchanged: it is the amount that stands in the order."""

    id: int
    state: str
    unchanged: bool
    subject: str
    subject_id: int


@dataclass(slots=True)
class RefundRow:
    """A refund, locked."""

    id: int
    attempt_id: int
    charge_id: int | None
    out_refund_no: str
    amount_fen: int
    state: str


@dataclass(frozen=True, slots=True)
class Paid:
    """An attempt that is paid. credited: it pays its order."""

    attempt: AttemptRow
    transaction_id: str
    at: datetime
    credited: bool


@dataclass(frozen=True, slots=True)
class Return:
    """Money for which nothing is owed: to be refunded whole."""

    attempt: AttemptRow
    out_refund_no: str
    amount_fen: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund that goes to ``state`` by what ``notice`` says."""

    attempt: AttemptRow
    refund: RefundRow
    notice: Notice
    state: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A notification that was taken, and what it led to."""

    attempt: AttemptRow
    notice: Notice
    outcome: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Something a person must look at."""

    compound_id: int
    vendor: str
    day: date
    kind: str
    out_trade_no: str
    out_refund_no: str
    transaction_id: str
    ours_fen: int | None
    theirs_fen: int | None


_LOCK_ATTEMPTS: Final = """
select a.id, a.order_id, a.out_trade_no, a.vendor, a.app_id, a.seller_id, a.amount_fen, a.state, a.transaction_id,
       a.county_id, a.town_id, a.community_id, a.compound_id, a.home_id, o.state as order_state
from payment_order o join payment_attempt a on a.order_id = o.id
where a.out_trade_no = any($1::text[]) order by o.id, a.id for update of o, a
"""


async def lock_attempts(connection: AsyncConnection, numbers: Collection[str]) -> list[AttemptRow]:
    """The attempts of these numbers with their orders, locked in order of the orders' ids."""
    orders: dict[int, OrderRow] = {}
    found = []
    for row in await bulk.fetch(connection, _LOCK_ATTEMPTS, sorted(numbers)):
        said = dict(row)
        order = orders.setdefault(said["order_id"], OrderRow(said.pop("order_state")))
        said.pop("order_state", None)
        found.append(AttemptRow(**said, order=order))
    return found


_LOCK_CHARGES: Final = """
select l.order_id, c.id, c.state, c.amount_fen = l.amount_fen as unchanged, c.subject, c.subject_id
from payment_order_line l join charge c on c.id = l.charge_id
where l.order_id = any($1::int[]) order by c.id for update of c
"""


async def lock_charges(connection: AsyncConnection, orders: Collection[int]) -> dict[int, list[ChargeRow]]:
    """The charges of these orders by order, locked; a charge in two of them is one object."""
    charges: dict[int, ChargeRow] = {}
    found: dict[int, list[ChargeRow]] = {}
    for row in await bulk.fetch(connection, _LOCK_CHARGES, sorted(orders)):
        order_id, *said = row.values()
        charge = ChargeRow(*said)
        found.setdefault(order_id, []).append(charges.setdefault(charge.id, charge))
    return found


_LOCK_REFUNDS: Final = """
select id, attempt_id, charge_id, out_refund_no, amount_fen, state from refund
where out_refund_no = any($1::text[]) order by id for update
"""


async def lock_refunds(connection: AsyncConnection, numbers: Collection[str]) -> list[RefundRow]:
    """The refunds of these numbers, locked; their attempts are locked already."""
    return [RefundRow(*row.values()) for row in await bulk.fetch(connection, _LOCK_REFUNDS, sorted(numbers))]


_TAKEN: Final = """
select vendor, notice_id from payment_notice
where (vendor, notice_id) in (select * from unnest($1::text[], $2::text[]))
"""


async def taken_before(connection: AsyncConnection, ids: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these notifications (vendor, id) were taken."""
    if not ids:
        return set()
    vendors, numbers = zip(*ids, strict=True)
    rows = await bulk.fetch(connection, _TAKEN, [str(vendor) for vendor in vendors], list(numbers))
    return {(row["vendor"], row["notice_id"]) for row in rows}


_WRITE_NOTICES: Final = f"""
insert into payment_notice (vendor, notice_id, attempt_id, kind, outcome, received_at, home_id, {_AREAS})
select n.vendor, n.notice_id, a.id, n.kind, n.outcome, $1::timestamptz, a.home_id,
       a.county_id, a.town_id, a.community_id, a.compound_id
from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[])
  as n (vendor, notice_id, attempt_id, kind, outcome) join payment_attempt a on a.id = n.attempt_id
order by n.vendor, n.notice_id
"""  # noqa: S608 - names of columns


async def write_notices(connection: AsyncConnection, taken: Sequence[Taken], now: datetime) -> None:
    """Remember the notifications. One that somebody else took for another trade meanwhile fails the batch."""
    rows = [(str(t.notice.vendor), t.notice.notice_id, t.attempt.id, str(t.notice.kind), str(t.outcome)) for t in taken]
    await bulk.run(connection, _WRITE_NOTICES, now, *map(list, zip(*rows, strict=True)))


_PAY: Final = f"""
with said as (
  select * from unnest($2::int[], $3::int[], $4::text[], $5::timestamptz[], $6::bool[])
    as s (attempt_id, order_id, transaction_id, at, credited)),
attempts as (
  update payment_attempt a set state = 'paid', transaction_id = said.transaction_id, paid_at = said.at,
    credited = said.credited, launch = null, check_at = null, refused_because = null
  from said where a.id = said.attempt_id returning a.*),
orders as (
  update payment_order o set state = 'paid', paid_at = said.at from said where said.credited and o.id = said.order_id),
lines as (
  update payment_order_line l set live = true
  from said where said.credited and l.order_id = said.order_id and not l.live),
charges as (
  update charge c set state = 'paid', paid_at = said.at
  from said join payment_order_line l on l.order_id = said.order_id where said.credited and c.id = l.charge_id
  returning c.*, said.attempt_id)
insert into ledger_entry ({_AREAS}, home_id, kind, debit, credit, amount_fen, charge_id, attempt_id, at)
select c.county_id, c.town_id, c.community_id, c.compound_id, c.home_id, 'paid', 'clearing_' || a.vendor, 'receivable',
       c.amount_fen, c.id, a.id, $1::timestamptz
from charges c join attempts a on a.id = c.attempt_id
union all
select a.county_id, a.town_id, a.community_id, a.compound_id, a.home_id, 'unallocated', 'clearing_' || a.vendor,
       'unallocated', a.amount_fen, null::int, a.id, $1::timestamptz
from attempts a where not a.credited
"""  # noqa: S608 - names of columns
_NO_LONGER_WANTED: Final = """
update payment_attempt set state = 'closing', check_at = $1::timestamptz, checks = 0
where order_id = any($2::int[]) and state in ('created', 'open')
"""


async def write_payments(connection: AsyncConnection, paid: Sequence[Paid], now: datetime) -> None:
    """Book payments: attempts, and of those credited their orders and charges, whose other attempts are closed."""
    rows = [(p.attempt.id, p.attempt.order_id, p.transaction_id, p.at, p.credited) for p in paid]
    await bulk.run(connection, _PAY, now, *map(list, zip(*rows, strict=True)))
    done = sorted({p.attempt.order_id for p in paid if p.credited})
    if done:
        await bulk.run(connection, _NO_LONGER_WANTED, now, done)


_RETURN: Final = f"""
with said as (
  select * from unnest($2::int[], $3::text[], $4::int8[], $5::text[]) as s (attempt_id, number, amount_fen, reason)),
attempts as (
  update payment_attempt a set refunding_fen = a.refunding_fen + said.amount_fen
  from said where a.id = said.attempt_id returning a.*)
insert into refund ({_AREAS}, home_id, attempt_id, out_refund_no, amount_fen, reason, asked_at, check_at)
select a.county_id, a.town_id, a.community_id, a.compound_id, a.home_id, a.id, said.number, said.amount_fen,
       said.reason, $1::timestamptz, $1::timestamptz
from said join attempts a on a.id = said.attempt_id
"""  # noqa: S608 - names of columns


async def write_returns(connection: AsyncConnection, returned: Sequence[Return], now: datetime) -> None:
    """Ask for money back for which nothing was owed."""
    rows = [(r.attempt.id, r.out_refund_no, r.amount_fen, r.reason) for r in returned]
    await bulk.run(connection, _RETURN, now, *map(list, zip(*rows, strict=True)))


_REFUND: Final = f"""
with said as (
  select * from unnest($2::int[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
    as s (refund_id, state, vendor_refund_id, at, raw)),
refunds as (
  update refund r set state = said.state, vendor_refund_id = coalesce(said.vendor_refund_id, r.vendor_refund_id),
    done_at = case when said.state = 'done' then said.at end,
    failed_because = case when said.state = 'failed' then said.raw else r.failed_because end,
    check_at = case when said.state = 'sent' then coalesce(r.check_at, $1::timestamptz) end
  from said where r.id = said.refund_id returning r.*),
made as (select * from refunds where state = 'done'),
attempts as (
  update payment_attempt a set refunding_fen = a.refunding_fen - m.fen, refunded_fen = a.refunded_fen + m.fen
  from (select attempt_id, sum(amount_fen)::int8 as fen from made group by 1) m where a.id = m.attempt_id
  returning a.*),
charges as (
  update charge c set refunding_fen = c.refunding_fen - m.fen, refunded_fen = c.refunded_fen + m.fen
  from (select charge_id, sum(amount_fen)::int8 as fen from made where charge_id is not null group by 1) m
  where c.id = m.charge_id)
insert into ledger_entry ({_AREAS}, home_id, kind, debit, credit, amount_fen, charge_id, attempt_id, refund_id, at)
select m.county_id, m.town_id, m.community_id, m.compound_id, m.home_id, 'refunded',
       case when m.charge_id is null then 'unallocated' else 'refunds' end, 'clearing_' || a.vendor,
       m.amount_fen, m.charge_id, m.attempt_id, m.id, $1::timestamptz
from made m join attempts a on a.id = m.attempt_id
"""  # noqa: S608 - names of columns


async def write_refunds(connection: AsyncConnection, refunded: Sequence[Refunded], now: datetime) -> None:
    """Bring refunds to what the vendor says of them last, and book those that were made."""
    last = {each.refund.id: each for each in refunded}
    rows = [(number, str(r.state), r.notice.refund_id or None, r.notice.at, r.notice.raw) for number, r in last.items()]
    await bulk.run(connection, _REFUND, now, *map(list, zip(*rows, strict=True)))
    for state, note in NOT_FAILED.items():
        numbers = [each.refund.out_refund_no for each in last.values() if each.state == state]
        if numbers:
            await close_failed(connection, numbers, now, note=note)


_CLOSE_FAILED: Final = """
update reconciliation_item set state = 'settled', settled_at = $1::timestamptz, note = $3::text, settled_by = $4::int
where kind = 'refund_failed' and state = 'open' and out_refund_no = any($2::text[])
"""


async def close_failed(
    connection: AsyncConnection, numbers: Collection[str], now: datetime, *, note: str, by: int | None = None
) -> None:
    """Settle the work items that say that refunds of these numbers failed."""
    await bulk.run(connection, _CLOSE_FAILED, now, sorted(numbers), note, by)


_DIFFER: Final = (
    ("compound_id", "int"),
    ("vendor", "text"),
    ("day", "date"),
    ("kind", "text"),
    ("out_trade_no", "text"),
    ("out_refund_no", "text"),
    ("transaction_id", "text"),
    ("ours_fen", "int8"),
    ("theirs_fen", "int8"),
)
_DIFFERENCE: Final = ("vendor", "day", "kind", "out_trade_no", "out_refund_no", "transaction_id")
_WRITE_DIFFERENCES: Final = f"""
with said as (
  select distinct on ({", ".join(_DIFFERENCE)}) *
  from unnest({bulk.arrays(_DIFFER, after=1)}) as s ({bulk.names(_DIFFER)}) order by {", ".join(_DIFFERENCE)}),
written as (
  insert into reconciliation_item (county_id, town_id, community_id, {bulk.names(_DIFFER)}, opened_at)
  select area.county_id, area.town_id, area.community_id, said.*, $1::timestamptz
  from said join area on area.id = said.compound_id and area.level = 'compound'
  order by {", ".join(f"said.{name}" for name in _DIFFERENCE)}
  on conflict ({", ".join(_DIFFERENCE)})
    do update set state = 'open', settled_at = null, settled_by = null, opened_at = excluded.opened_at,
      ours_fen = excluded.ours_fen, theirs_fen = excluded.theirs_fen
    where reconciliation_item.kind = 'refund_failed' and reconciliation_item.state = 'settled'
      or reconciliation_item.vendor = 'supplier'
  returning 1)
select count(*) from written
"""  # noqa: S608 - names of columns


async def write_differences(connection: AsyncConnection, differences: Sequence[Difference], now: datetime) -> int:
    """Put differences before a person, each once; how many are new. A refund that failed again is open again, and
    so is what a supplier says anew."""
    rows = [
        (
            d.compound_id,
            d.vendor,
            d.day,
            d.kind,
            d.out_trade_no,
            d.out_refund_no,
            d.transaction_id,
            d.ours_fen,
            d.theirs_fen,
        )
        for d in differences
    ]
    return int(await bulk.run(connection, _WRITE_DIFFERENCES, now, *bulk.transposed(_DIFFER, rows)))


_RECEIPTS: Final = f"""
with paid as (
  select a.* from payment_attempt a where a.id = any($2::int[])),
counted as (
  select {_AREAS}, count(*)::int as number from paid group by {_AREAS}),
last as (
  insert into receipt_counter ({_AREAS}, last) select {_AREAS}, number from counted order by compound_id
  on conflict (compound_id) do update set last = receipt_counter.last + excluded.last
  returning compound_id, last)
insert into receipt ({_AREAS}, home_id, order_id, number, amount_fen, issued_at)
select p.county_id, p.town_id, p.community_id, p.compound_id, p.home_id, p.order_id,
       last.last - counted.number + row_number() over (partition by p.compound_id order by p.id), p.amount_fen,
       $1::timestamptz
from paid p join counted using (compound_id) join last using (compound_id)
"""  # noqa: S608 - names of columns


async def write_receipts(connection: AsyncConnection, credited: Sequence[AttemptRow], now: datetime) -> None:
    """Receipts of orders that were just paid, in each compound numbered on from the last.

    The counter is locked last, and until the commit: that no number is left out costs waiting.
    """
    await bulk.run(connection, _RECEIPTS, now, [attempt.id for attempt in credited])
