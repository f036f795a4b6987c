"""Payments without an API: charges, orders, attempts and notices on a world's homes, and what the ledger says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import asyncpg

from domain.community.payments import service
from domain.community.payments.charges import NewCharge, Subject, open_charges
from domain.community.payments.ports import Channel, Notice, Vendor
from domain.community.payments.settling import scope_for, take_notices
from domain.kernel.actor import Actor, ActorKind, HomeRole, Household, Trust, scope_of, system_actor
from domain.kernel.uow import Database
from tests.factories.vendor import FakeVendor, vendors
from tests.factories.world import World

SUMS = """
select coalesce(sum(fen) filter (where account = 'receivable'), 0)::int8 as receivable,
       coalesce(sum(fen) filter (where account like 'clearing%'), 0)::int8 as clearing,
       coalesce(sum(fen) filter (where account = 'unallocated'), 0)::int8 as unallocated,
       coalesce(sum(fen) filter (where account = 'refunds'), 0)::int8 as refunds,
       coalesce(sum(fen), 0)::int8 as everything
from (select debit as account, amount_fen as fen from ledger_entry
      union all select credit, -amount_fen from ledger_entry) as side
"""
SHOULD = """
select (select coalesce(sum(amount_fen), 0) from charge where state in ('open', 'held'))::int8 as receivable,
       (select coalesce(sum(amount_fen - refunded_fen), 0) from payment_attempt where state = 'paid')::int8 as clearing,
       -(select coalesce(sum(amount_fen - refunded_fen), 0) from payment_attempt where not credited)::int8
         as unallocated,
       (select coalesce(sum(refunded_fen), 0) from charge)::int8 as refunds,
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
  (select coalesce(sum(amount_fen) filter (where state <> 'done'), 0),
          coalesce(sum(amount_fen) filter (where state = 'done'), 0) from refund r where r.attempt_id = a.id)
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
    _subjects: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.vendors = vendors(self.database.clock)

    async def resident(self, home: str = "a111/1") -> Actor:
        """Somebody verified in the home."""
        if home not in self.payers:
            self.payers[home] = (await self.world.living_in(home)).id
        lives = (Household(self.world.homes[home], self.world.areas[home[:4]], HomeRole.OWNER, Trust.OFFICE),)
        return Actor(
            ActorKind.ACCOUNT, self.payers[home], households=lives, scope=scope_of((), lives, self.payers[home])
        )

    async def charges(self, *amounts: int, home: str = "a111/1") -> list[int]:
        """Open charges of a home."""
        new = [NewCharge(self.world.homes[home], Subject.BILL, next(self._subjects), fen, "物业费") for fen in amounts]
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

    async def rows(self, table: str) -> dict[int, asyncpg.Record]:
        """All rows of a table by id."""
        return {row["id"]: row for row in await self.superuser.fetch(f"select * from {table} order by id")}

    async def states(self, table: str) -> list[str]:
        """The states of all rows of a table."""
        return [row["state"] for row in (await self.rows(table)).values()]

    async def sound(self) -> None:
        """Assert what must hold at any time: the ledger agrees with the rows, and nothing is what must never be."""
        sums, should = await self.superuser.fetchrow(SUMS), await self.superuser.fetchrow(SHOULD)
        assert dict(sums or {}) == dict(should or {})
        assert [tuple(row) for row in await self.superuser.fetch(NEVER)] == []


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
