"""Whatever happens in whatever order: what must hold of money holds after every step, and at the end all is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.community.payments import service
from domain.community.payments.charges import change_charge, refund_charge, void_charge
from domain.community.payments.ports import Channel, Notice, RefundState, TradeState, Vendor
from domain.community.payments.settling import scope_for, take_notices
from domain.kernel.actor import system_actor
from domain.kernel.errors import Conflict, DomainError
from domain.kernel.uow import Database
from integrations.postgres import APP_ROLE, create_engine
from tests.db.community.payments.by_itself import TakesByItself
from tests.db.community.payments.day_ends import HoldsBills
from tests.factories.clock import Clock
from tests.factories.database import Databases, at
from tests.factories.servers import Servers
from tests.factories.till import Till
from tests.factories.vault import MemoryVault
from tests.factories.vendor import vendors
from tests.factories.world import World
from workers.payments import look_at_attempts, look_at_refunds

HOMES = ("a111/1", "b111/1")
PICK = st.integers(0, 10_000)
T = TypeVar("T")


@dataclass
class Ground:
    """A database with a world, and the loop it is asked on."""

    runner: asyncio.Runner
    engine: AsyncEngine
    superuser: asyncpg.Connection
    till: Till
    clock: Clock

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``."""
        return self.runner.run(work)


class Died(Exception):
    """The process ends here, in the middle of a transaction."""


class Money(TakesByItself, HoldsBills, RuleBasedStateMachine):
    """Residents, vendors, the office and the worker, each at any time."""

    ground: Ground

    @initialize()
    def begin(self) -> None:
        """Every example from nothing, so that one that fails can be made small."""
        payments = "charge, payment_order, reconciliation, reconciliation_item, receipt_counter"
        tables = f"{payments}, outbox_event restart identity cascade"
        self.ground.run(self.ground.superuser.execute(f"truncate {tables}"))
        self.till.vendors = vendors(self.ground.clock)
        self.orders: list[tuple[int, str]] = []
        self.charges: list[tuple[int, str]] = []
        self.notices: list[Notice] = []
        self.sign_in(HOMES[0])

    def _try(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What came of it; None when it was refused."""
        try:
            return self.ground.run(work)
        except DomainError:
            return None

    @rule(home=st.sampled_from(HOMES), amounts=st.lists(st.integers(1, 500), min_size=1, max_size=3))
    def bill(self, home: str, amounts: list[int]) -> None:
        made = self.ground.run(self.till.charges(*amounts, home=home))
        self.charges += [(charge, home) for charge in made]
        self.order(home, len(made))

    @rule(home=st.sampled_from(HOMES), many=st.integers(1, 3))
    def order(self, home: str, many: int) -> None:
        mine = [charge for charge, where in self.charges if where == home][-many:]
        made = self._try(self.till.order(mine, home)) if mine else None
        if made is not None:
            self.orders.append((made, home))

    @rule(pick=PICK, channel=st.sampled_from([Channel.WECHAT_APP, Channel.ALIPAY_QR]))
    def begin_to_pay(self, pick: int, channel: Channel) -> None:
        if not self.orders:
            return
        order, home = self.orders[pick % len(self.orders)]
        started = self._try(self.till.attempt(order, channel, home))
        if started is not None and started.next is service.Next.CLOSE_FIRST:
            self.ground.run(self._record_closed(started.attempt_id, home))  # the vendor may be slow to close it
            self._try(self.till.attempt(order, channel, home))

    async def _record_closed(self, attempt: int, home: str) -> None:
        async with self.till.database.unit_of_work(await self.till.resident(home)) as uow:
            await service.record_closed(uow, attempt_id=attempt, absent=True)

    @rule(vendor=st.sampled_from(Vendor), pick=PICK)
    def pay(self, vendor: Vendor, pick: int) -> None:
        waiting = [no for no, t in self.till.vendors[vendor].trades.items() if t.state is TradeState.WAITING]
        if waiting:
            self.notices.append(self.till.vendors[vendor].pay(waiting[pick % len(waiting)]))

    @rule(picks=st.lists(PICK, min_size=1, max_size=4), dies=st.booleans())
    def notify(self, picks: list[int], dies: bool) -> None:
        """Any notices, in any order, any number of times; the process may die before the commit."""
        if self.notices:
            told = [self.notices[pick % len(self.notices)] for pick in picks]
            self.ground.run(self._take(told, dies=dies))

    async def _take(self, told: list[Notice], *, dies: bool) -> None:
        try:
            async with self.till.database.unit_of_work(system_actor(scope_for(told))) as uow:
                await take_notices(uow, told)
                if dies:
                    raise Died
        except Died:
            return

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        if self.orders:
            self._try(self._cancel(*self.orders[pick % len(self.orders)]))

    async def _cancel(self, order: int, home: str) -> None:
        async with self.till.database.unit_of_work(await self.till.resident(home)) as uow:
            await service.cancel_order(uow, order_id=order)

    @rule(pick=PICK, amount=st.integers(0, 400))
    def change(self, pick: int, amount: int) -> None:
        """The office changes what is owed, or takes it back (0)."""
        if self.charges:
            self._try(self._change(self.charges[pick % len(self.charges)][0], amount))

    async def _change(self, charge: int, amount: int) -> None:
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            if amount:
                await change_charge(uow, charge_id=charge, amount_fen=amount)
            else:
                await void_charge(uow, charge_id=charge)

    @rule(pick=PICK, amount=st.integers(1, 500))
    def refund(self, pick: int, amount: int) -> None:
        if self.charges:
            self._try(self._refund(self.charges[pick % len(self.charges)][0], amount))

    async def _refund(self, charge: int, amount: int) -> None:
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            await refund_charge(uow, charge_id=charge, amount_fen=amount, reason="退回")

    @rule(vendor=st.sampled_from(Vendor), pick=PICK, failed=st.sampled_from(["", "ABNORMAL", "CLOSED"]))
    def finish(self, vendor: Vendor, pick: int, failed: str) -> None:
        """A vendor makes a refund, or says that it cannot; Alipay closes none, it makes it or refuses."""
        open_ = [no for no, r in self.till.vendors[vendor].refunds.items() if r.state is RefundState.WAITING]
        if open_:
            raw = "ABNORMAL" if vendor is Vendor.ALIPAY else failed
            state = RefundState.FAILED if failed else RefundState.DONE
            self.notices.append(self.till.vendors[vendor].finish(open_[pick % len(open_)], state, raw))

    @rule(pick=PICK)
    def ask_again(self, pick: int) -> None:
        """The office has a refund that failed asked for again."""
        known = self.ground.run(self.till.rows("refund"))
        if known:
            self._try(self.till.again(list(known)[pick % len(known)]))

    @rule(pick=PICK)
    def pay_back_by_hand(self, pick: int) -> None:
        """The office pays a refund that failed back itself; the vendor's support gives it up then."""
        known = self.ground.run(self.till.rows("refund"))
        if known and self._try(self.till.by_hand(id := list(known)[pick % len(known)])):
            for vendor in self.till.vendors.values():
                if known[id]["out_refund_no"] in vendor.refunds:
                    vendor.finish(known[id]["out_refund_no"], RefundState.FAILED, "CLOSED")

    @rule(seconds=st.sampled_from([1, 30, 2000]), lost=st.integers(0, 2), before=st.booleans())
    def time_passes(self, seconds: int, lost: int, before: bool) -> None:
        """The worker looks, and some of its calls are not heard of."""
        self.ground.clock.advance(seconds=seconds)
        for vendor in self.till.vendors.values():
            vendor.lost_before, vendor.lost_after = (lost, 0) if before else (0, lost)
        self.ground.run(self._look())
        for vendor in self.till.vendors.values():
            vendor.lost_before = vendor.lost_after = 0

    async def _look(self) -> None:
        gateways = dict(self.till.vendors)
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            await service.expire_orders(uow, limit=50)
        await look_at_attempts(self.till.database, gateways=gateways)
        await look_at_refunds(self.till.database, gateways=gateways)

    @invariant()
    def sound(self) -> None:
        self.ground.run(self.till.sound())

    def teardown(self) -> None:
        """In the end, when vendors have made what they were asked for, nothing of theirs is unknown here."""
        for _ in range(5):
            self.time_passes(2000, 0, before=False)
            for vendor in self.till.vendors.values():
                for number, told in list(vendor.refunds.items()):
                    if told.state is RefundState.WAITING:
                        self.ground.run(self.till.take(vendor.finish(number)))
            for id, refund in self.ground.run(self.till.rows("refund")).items():
                if refund["state"] == "failed":
                    self.ground.run(self.till.again(id))
        self.sound()
        paid = sum(t.amount_fen for v in self.till.vendors.values() for t in v.trades.values())
        told = [r for v in self.till.vendors.values() for r in v.refunds.values()]
        back = sum(r.amount_fen for r in told if r.state is RefundState.DONE)
        assert self.ground.run(self.till.account("clearing%")) == paid - back
        assert set(self.ground.run(self.till.states("payment_attempt"))) <= {"paid", "closed", "refused"}
        assert set(self.ground.run(self.till.states("payment_order"))) <= {"paid", "closed"}
        assert set(self.ground.run(self.till.states("refund"))) <= {"done", "replaced", "by_hand"}
        (left,) = self.ground.run(self.ground.superuser.fetch("select sum(refunding_fen) from charge"))
        assert not left[0]
        self.all_bills_agree()
        self.ground.run(self.follow())
        assert not set(self.ground.run(self.till.states("autopay_plan"))) & {"trying"}


def test_money_is_never_lost_nor_made(databases: Databases, servers: Servers) -> None:
    with databases.new() as url, asyncio.Runner() as runner:
        clock = Clock()

        async def grow() -> Ground:
            engine = create_engine(url, role=APP_ROLE, pool_size=4)
            database = Database(engine, clock=clock)
            world = await World(database, MemoryVault()).build("a111", "b111")
            superuser = await asyncpg.connect(at(servers.superuser_url, urlsplit(url).path.strip("/")))
            return Ground(runner, engine, superuser, Till(world, database, superuser), clock)

        async def wither(ground: Ground) -> None:
            await ground.superuser.close()
            await ground.engine.dispose()

        grown = runner.run(grow())

        class OnGround(Money):
            ground = grown

        checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
        few = settings(
            max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=checks, database=None
        )
        try:
            run_state_machine_as_test(OnGround, settings=few)
        finally:
            runner.run(wither(grown))


class Killed:
    """Awaits work, and cancels it at its n-th suspension: where a process that is killed would stop."""

    def __init__(self, work: Coroutine[Any, Any, Any], number: int) -> None:
        self.work, self.number, self.reached = work, number, False

    def __await__(self) -> Any:
        iterator, suspensions = self.work.__await__(), 0
        step: Any = partial(iterator.send, None)
        while True:
            try:
                waiting = step()
            except StopIteration as done:
                return done.value
            suspensions += 1
            if suspensions == self.number:
                self.reached = True
                task = asyncio.current_task()
                assert task is not None
                asyncio.get_running_loop().call_soon(task.cancel)
            try:
                value = yield waiting
            except BaseException as error:  # noqa: BLE001 - handed on into the work
                step = partial(iterator.throw, error)
            else:
                step = partial(iterator.send, value)


async def test_killed_at_any_await_a_notice_is_taken_whole_or_not_at_all(till: Till) -> None:
    number, again = 0, set[str]()
    while True:
        number += 1
        bought = await till.bought(100, 20)
        notice = bought.paid()
        killed = Killed(till.take(notice), number)

        async def run(killed: Killed = killed) -> None:
            await killed

        task = asyncio.create_task(run())
        await asyncio.wait([task])
        if not killed.reached:
            break
        assert task.cancelled() or task.done()
        await till.sound()
        (outcome,) = await till.take(notice)
        again.add(outcome)
        assert outcome in ("credit", "duplicate")
        assert (await till.rows("payment_order"))[bought.order]["state"] == "paid"
    assert number > 10
    assert "credit" in again
    assert len(await till.rows("receipt")) == number
    await till.sound()


async def test_a_resident_cannot_pay_twice_at_once(till: Till) -> None:
    charges = await till.charges(100)
    done = await asyncio.gather(*(till.order(charges) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, int) for each in done) == 1
    assert all(isinstance(each, int | Conflict) for each in done)
    order = next(each for each in done if isinstance(each, int))
    attempts = await asyncio.gather(*(till.attempt(order) for _ in range(3)), return_exceptions=True)
    assert [each for each in attempts if isinstance(each, BaseException)] == []
    assert len(await till.rows("payment_attempt")) == 1
    await till.sound()


@pytest.mark.parametrize("many", [40])
async def test_notices_that_come_at_once_are_credited_once_each(till: Till, many: int) -> None:
    homes = ("a111/1", "a111/2", "b111/1")
    bought = [await till.bought(10 + n, home=homes[n % 3]) for n in range(many)]
    notices = [each.paid() for each in bought]
    outcomes = await asyncio.gather(*(till.take(notice) for notice in [*notices, *reversed(notices)]))
    assert sorted(outcome for (outcome,) in outcomes) == ["credit"] * many + ["duplicate"] * many
    await till.sound()
