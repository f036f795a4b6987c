"""Payments without an API: charges, orders, attempts and notices on a world's homes, and what the ledger says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import asyncpg

from domain.community.payments import refunds, service
from domain.community.payments.charges import ChargeKind, NewCharge, open_charges
from domain.community.payments.polling import notice_of_refund
from domain.community.payments.ports import Channel, Notice, RefundState, Vendor
from domain.community.payments.settling import scope_for, take_notices
from domain.kernel.actor import Actor, ActorKind, HomeRole, Household, Trust, scope_of, system_actor
from domain.kernel.uow import Database
from tests.factories.vendor import FakeVendor, vendors
from tests.factories.world import LONG_AGO, World

SUMS = """
select coalesce(sum(fen) filter (where account = 'receivable'), 0)::int8 as receivable,
       coalesce(sum(fen) filter (where account like 'clearing%'), 0)::int8 as clearing,
       coalesce(sum(fen) filter (where account = 'unallocated'), 0)::int8 as unallocated,
       coalesce(sum(fen) filter (where account = 'refunds'), 0)::int8 as refunds,
       coalesce(sum(fen) filter (where account = 'office'), 0)::int8 as office,
       coalesce(sum(fen), 0)::int8 as everything
from (select debit as account, amount_fen as fen from ledger_entry
      union all select credit, -amount_fen from ledger_entry) as side
"""
SHOULD = """
select (select coalesce(sum(amount_fen), 0) from charge where state in ('open', 'held'))::int8 as receivable,
       (select coalesce(sum(amount_fen), 0) from payment_attempt where state = 'paid')::int8
         - (select coalesce(sum(amount_fen), 0) from refund where state = 'done')::int8 as clearing,
       -(select coalesce(sum(amount_fen - refunded_fen), 0) from payment_attempt where not credited)::int8
         as unallocated,
       (select coalesce(sum(refunded_fen), 0) from charge)::int8 as refunds,
       -(select coalesce(sum(amount_fen), 0) from refund where state = 'by_hand')::int8 as office,
       0::int8 as everything
"""
NEVER = """
select 'charge without payment' as what, c.id from charge c where c.state = 'paid' and 1 <>
  (select count(*) from payment_order_line l join payment_attempt a on a.order_id = l.order_id and a.credited
   where l.charge_id = c.id and l.live)
union all
select 'order paid by other than its amount', o.id from payment_order o where o.state = 'paid' and o.amount_fen <>
  (select coalesce(sum(a.amount_fen), 0) from payment_attempt a where a.order_id = o.id and a.credited)
union all
select 'order and charges differ', l.order_id from payment_order_line l join payment_order o on o.id = l.order_id
  join charge c on c.id = l.charge_id
  where (o.state, c.state) in (('open', 'open'), ('open', 'paid'), ('open', 'void'), ('paid', 'open'), ('paid', 'held'))
     or l.live <> (o.state <> 'closed')
union all
select 'money for nothing, not asked back', a.id from payment_attempt a
  where not a.credited and a.refunding_fen + a.refunded_fen <> a.amount_fen
union all
select 'refunds beside their payment', a.id from payment_attempt a where (a.refunding_fen, a.refunded_fen) <>
  (select coalesce(sum(amount_fen) filter (where state in ('asked', 'sent', 'failed')), 0),
          coalesce(sum(amount_fen) filter (where state in ('done', 'by_hand')), 0)
   from refund r where r.attempt_id = a.id)
union all
select 'refunds beside their charge', c.id from charge c where (c.refunding_fen, c.refunded_fen) <>
  (select coalesce(sum(amount_fen) filter (where state in ('asked', 'sent', 'failed')), 0),
          coalesce(sum(amount_fen) filter (where state in ('done', 'by_hand')), 0)
   from refund r where r.charge_id = c.id)
union all
select 'replaced by nothing, or by something else', r.id from refund r where (r.state = 'replaced') <>
  exists (select from refund n where n.replaces_id = r.id and n.attempt_id = r.attempt_id
          and n.charge_id is not distinct from r.charge_id and n.amount_fen = r.amount_fen)
union all
select 'failed, and nobody has been told', r.id from refund r where r.state = 'failed' and not exists
  (select from reconciliation_item i where i.kind = 'refund_failed' and i.out_refund_no = r.out_refund_no)
union all
select 'somebody is told of what has not failed', i.id from reconciliation_item i join refund r using (out_refund_no)
  where i.kind = 'refund_failed' and i.state = 'open' and r.state <> 'failed'
union all
select 'receipts with gaps', r.compound_id from receipt r group by r.compound_id having max(number) <> count(*)
union all
select 'paid without a receipt', o.id from payment_order o
  where (o.state = 'paid') <> exists (select from receipt r where r.order_id = o.id)
"""


@dataclass
class Till:
    """Pays as residents of a world do, through vendors in memory."""

    world: World
    database: Database
    superuser: asyncpg.Connection
    vendors: dict[Vendor, FakeVendor] = field(init=False)
    payers: dict[str, int] = field(default_factory=dict)
    subjects: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.vendors = vendors(self.database.clock)

    async def resident(self, home: str = "a111/1") -> Actor:
        """Somebody verified in the home."""
        if home not in self.payers:
            self.payers[home] = (await self.world.living_in(home)).id
        lives = (Household(self.world.homes[home], self.world.areas[home[:4]], HomeRole.OWNER, Trust.OFFICE, LONG_AGO),)
        return Actor(
            ActorKind.ACCOUNT, self.payers[home], households=lives, scope=scope_of((), lives, self.payers[home])
        )

    async def charges(self, *amounts: int, home: str = "a111/1") -> list[int]:
        """Open charges of a home."""
        new = [
            NewCharge(self.world.homes[home], ChargeKind.PROPERTY, next(self.subjects), fen, "物业费")
            for fen in amounts
        ]
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            return await open_charges(uow, new)

    async def order(self, charge_ids: Sequence[int], home: str = "a111/1") -> int:
        """An order of charges by a resident."""
        async with self.database.unit_of_work(await self.resident(home)) as uow:
            return await service.create_order(uow, charge_ids=charge_ids)

    async def attempt(
        self, order_id: int, channel: Channel = Channel.WECHAT_NATIVE, home: str = "a111/1"
    ) -> service.Started:
        """Begin to pay, as far as the vendor's answer."""
        vendor = self.vendors[channel.vendor]
        async with self.database.unit_of_work(await self.resident(home)) as uow:
            started = await service.start_attempt(uow, order_id=order_id, channel=channel, party=vendor.party(channel))
        if started.next in (service.Next.CREATE, service.Next.ASK_FIRST):
            prepay = await vendor.create(started.trade)
            async with self.database.unit_of_work(await self.resident(home)) as uow:
                await service.record_prepay(uow, attempt_id=started.attempt_id, prepay=prepay)
        return started

    async def bought(self, *amounts: int, home: str = "a111/1", channel: Channel = Channel.WECHAT_NATIVE) -> Bought:
        """Charges in an order with an attempt under way."""
        charges = await self.charges(*amounts, home=home)
        order = await self.order(charges, home)
        started = await self.attempt(order, channel, home)
        return Bought(charges, order, started.attempt_id, started.trade.out_trade_no, self.vendors[channel.vendor])

    async def take(self, *notices: Notice) -> list[str]:
        """The outcomes of notices, in a transaction of their own."""
        async with self.database.unit_of_work(system_actor(scope_for(notices))) as uow:
            return [str(outcome) for outcome in await take_notices(uow, notices)]

    async def again(self, refund_id: int) -> int:
        """A refund that failed is asked for again; the one under way."""
        await self._hear(refund_id)
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            return await refunds.retry_refund(uow, refund_id=refund_id)

    async def by_hand(self, refund_id: int) -> bool:
        """The office pays a refund that failed back itself."""
        await self._hear(refund_id)
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            await refunds.settle_by_hand(uow, refund_id=refund_id, note="现金退还")
        return True

    async def _hear(self, refund_id: int) -> None:
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            due = await refunds.failed_refund(uow, refund_id=refund_id)
        told = await self.vendors[due.vendor].query_refund(due.refund.out_trade_no, due.refund.out_refund_no)
        if told.state in (RefundState.DONE, RefundState.WAITING):
            await self.take(notice_of_refund(due, told, now=self.database.clock()))

    async def account(self, like: str) -> int:
        """What is in the ledger's accounts of such names."""
        debit, credit = await self.superuser.fetchrow(
            "select sum(amount_fen) filter (where debit like $1), sum(amount_fen) filter (where credit like $1)"
            " from ledger_entry",
            like,
        ) or (0, 0)
        return int(debit or 0) - int(credit or 0)

    async def rows(self, table: str) -> dict[int, asyncpg.Record]:
        """All rows of a table by id."""
        return {row["id"]: row for row in await self.superuser.fetch(f"select * from {table} order by id")}

    async def states(self, table: str) -> list[str]:
        """The states of all rows of a table."""
        return [row["state"] for row in (await self.rows(table)).values()]

    async def sound(self) -> None:
        """Assert what must hold at any time: the ledger agrees with the rows, and nothing is what must never be."""
        async with self.superuser.transaction(
            isolation="repeatable_read", readonly=True
        ):  # others may commit meanwhile
            sums, should = await self.superuser.fetchrow(SUMS), await self.superuser.fetchrow(SHOULD)
            never = [tuple(row) for row in await self.superuser.fetch(NEVER)]
        assert dict(sums or {}) == dict(should or {})
        assert never == []


@dataclass(frozen=True)
class Bought:
    """What ``Till.bought`` made."""

    charges: list[int]
    order: int
    attempt: int
    number: str
    vendor: FakeVendor

    def paid(self) -> Notice:
        """Somebody pays; the notification."""
        return self.vendor.pay(self.number)

    def details(self) -> dict[str, Any]:
        """For messages."""
        return {"order": self.order, "number": self.number}
