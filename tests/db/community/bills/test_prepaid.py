"""What is paid ahead is an account of the ledger: it sums to zero with the others, and never falls below zero."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from domain.community.bills.errors import InvalidDeposit, PrepaidTooLittle
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.uow import Database
from integrations.postgres import APP_ROLE, create_engine
from tests.db.community.bills.books import Books
from tests.factories.clock import Clock
from tests.factories.database import Databases, at
from tests.factories.servers import Servers
from tests.factories.vault import MemoryVault
from tests.factories.world import World

HOMES = st.sampled_from(("a111/1", "a111/2"))
PICK = st.integers(0, 1_000)
FEN = st.integers(1, 25_000)
MONTHS = [f"2026-{month:02}" for month in range(1, 13)]
ACCOUNTS = """
select h.id, coalesce(sum(fen), 0)::int8 as everything, {}
from home h left join (
  select home_id, debit as account, amount_fen as fen from ledger_entry
  union all select home_id, credit, -amount_fen from ledger_entry) side on side.home_id = h.id
group by h.id order by h.id
""".format(
    ", ".join(
        f"coalesce(sum(fen) filter (where account = '{name}'), 0)::int8 as {name}"
        for name in ("prepaid", "receivable", "income", "office")
    )
)
SHOULD = """
select h.id, 0::int8 as everything,
       -coalesce((select balance_fen from prepaid_balance where home_id = h.id), 0)::int8 as prepaid,
       coalesce((select sum(amount_fen) from charge where home_id = h.id and state <> 'void'), 0)::int8 as receivable,
       -coalesce((select sum(amount_fen + late_fee_fen - discount_fen) from bill
                  where home_id = h.id and state in ('issued', 'settled')), 0)::int8 as income,
       coalesce((select sum(case action when 'prepaid.deposited' then 1 else -1 end * (details->>'fen')::int8)
                 from audit_entry
                 where action in ('prepaid.deposited', 'prepaid.paid_out') and h.id = any(homes)), 0)::int8 as office
from home h order by h.id
"""


async def sound(superuser: asyncpg.Connection) -> None:
    """Every account is what bills, charges, balances and the desk's records say; nothing is below zero."""
    found = [dict(row) for row in await superuser.fetch(ACCOUNTS)]
    assert found == [dict(row) for row in await superuser.fetch(SHOULD)]
    assert all(row["prepaid"] <= 0 for row in found)


@dataclass
class Ground:
    """A database with books, and the loop it is asked on."""

    runner: asyncio.Runner
    books: Books
    superuser: asyncpg.Connection

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of ``work``; None when it was refused."""
        try:
            return self.runner.run(work)
        except DomainError:
            return None


class Desk(RuleBasedStateMachine):
    """The office takes deposits, issues, corrects and writes off, and homes pay."""

    ground: Ground

    @initialize()
    def begin(self) -> None:
        """Every example from the first month's bills, one of them paid ahead."""
        self.ground.run(self._clean())
        self.ground.run(self.ground.books.rule())
        self.months = list(MONTHS)
        self.deposit("a111/1", 14_000)
        self.publish()

    async def _clean(self) -> None:
        execute = self.ground.superuser.execute
        await execute("set session_replication_role = replica")  # the audit log lets nobody empty it
        await execute("truncate bill, charge, ledger_entry, prepaid_balance, audit_entry, fee_rule cascade")
        await execute("set session_replication_role = origin")

    @rule(home=HOMES, fen=FEN)
    def deposit(self, home: str, fen: int) -> None:
        """Money over the desk."""
        self.ground.run(self.ground.books.deposit(home, fen))

    @rule(home=HOMES, fen=FEN)
    def pay_out(self, home: str, fen: int) -> None:
        """Money over the desk the other way, or that is refused."""
        self.ground.run(self.ground.books.pay_out(home, fen))

    @rule()
    def publish(self) -> None:
        """The next month's bills, of 100 yuan each."""
        if self.months:
            self.ground.run(self.ground.books.publish(self.months.pop(0)))

    @rule(home=HOMES, pick=PICK)
    def pay(self, home: str, pick: int) -> None:
        """A charge is paid."""
        bills = [bill for bill in self.ground.run(self.ground.books.bills(home)) if bill.charge_id is not None]
        if bills:
            bill = bills[pick % len(bills)]
            if self.ground.run(self.ground.books.charge(bill))[0] == "open":
                self.ground.run(self.ground.books.set_charge(bill, "paid"))

    @rule(home=HOMES, pick=PICK, fen=FEN)
    def correct(self, home: str, pick: int, fen: int) -> None:
        """A bill is corrected, or that is refused."""
        if bills := self.ground.run(self.ground.books.bills(home)):
            self.ground.run(self.ground.books.correct(bills[pick % len(bills)].id, fen))

    @rule(home=HOMES, pick=PICK)
    def write_off(self, home: str, pick: int) -> None:
        """A bill is written off, or that is refused."""
        if bills := self.ground.run(self.ground.books.bills(home)):
            self.ground.run(self.ground.books.write_off(bills[pick % len(bills)].id))

    @invariant()
    def sound(self) -> None:
        self.ground.runner.run(sound(self.ground.superuser))


def test_in_any_order_every_account_is_what_bills_and_desk_say(databases: Databases, servers: Servers) -> None:
    with databases.new() as url, asyncio.Runner() as runner:

        async def grow() -> tuple[Ground, Any]:
            engine = create_engine(url, role=APP_ROLE, pool_size=2)
            database = Database(engine, clock=Clock())
            world = await World(database, MemoryVault()).build("a111")
            superuser = await asyncpg.connect(at(servers.superuser_url, urlsplit(url).path.strip("/")))
            return Ground(runner, Books(database, world), superuser), engine

        grown, engine = runner.run(grow())

        class OnGround(Desk):
            ground = grown

        few = settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        try:
            run_state_machine_as_test(OnGround, settings=few)
        finally:
            runner.run(grown.superuser.close())
            runner.run(engine.dispose())


async def test_bills_that_are_issued_at_once_do_not_use_the_same_money(
    books: Books, superuser: asyncpg.Connection
) -> None:
    await books.rule()
    await books.deposit("a111/1", 14_000)
    months = [books.publish(month) for month in MONTHS[6:10]]
    await asyncio.gather(*months, books.deposit("a111/1", 3_000), books.deposit("a111/2", 1_500))
    await sound(superuser)
    used = sum(bill.prepaid_fen for bill in await books.bills("a111/1"))
    assert used in (14_000, 17_000)
    left = await superuser.fetchval(
        "select sum(balance_fen) from prepaid_balance where home_id = $1", (books.world.homes["a111/1"])
    )
    assert used + left == 17_000


async def test_what_is_paid_back_was_there_and_is_paid_back_once(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await books.deposit("a111/1", 14_000)
    done = await asyncio.gather(
        *(books.pay_out("a111/1", 6_000) for _ in range(3)), books.publish("2026-09"), return_exceptions=True
    )
    refused = [each for each in done if isinstance(each, DomainError)]
    assert refused == [each for each in done if isinstance(each, BaseException)]
    assert {type(each) for each in refused} == {PrepaidTooLittle}
    await sound(superuser)
    paid = await superuser.fetchval("select sum(amount_fen) from ledger_entry where kind = 'paid_out'")
    used = sum(bill.prepaid_fen for bill in await books.bills("a111/1"))
    left = await superuser.fetchval("select balance_fen from prepaid_balance")
    assert (paid + used + left, paid % 6_000) == (14_000, 0)
    for fen, error in ((left + 1, PrepaidTooLittle), (0, InvalidDeposit), (-1, InvalidDeposit)):
        with pytest.raises(error):
            await books.pay_out("a111/1", fen)
    with pytest.raises(NotFound):
        await books.pay_out("a111/2", 1)  # it has paid nothing ahead


async def test_a_bill_is_taken_back_while_another_is_issued(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await books.deposit("a111/1", 10_000)
    await books.publish("2026-09")
    settled = await books.bill()
    done = await asyncio.gather(
        books.write_off(settled.id), books.correct(settled.id, 4_000), books.publish("2026-10"), return_exceptions=True
    )
    assert [isinstance(each, DomainError) for each in done].count(True) == (0 if done[0] is done[1] else 1)
    await sound(superuser)


async def test_the_database_itself_refuses_to_use_what_is_not_there(
    books: Books, superuser: asyncpg.Connection
) -> None:
    home = books.world.homes["a111/1"]
    use = """
        insert into ledger_entry (county_id, town_id, community_id, compound_id, home_id, kind, debit, credit,
                                  amount_fen, at)
        select county_id, town_id, community_id, compound_id, id, 'used', 'prepaid', 'receivable', $2, now()
        from home where id = $1
    """
    await superuser.execute(f"set app.compounds = '{books.world.areas['a111']}'")
    with pytest.raises(asyncpg.CheckViolationError, match="has paid nothing ahead"):
        await superuser.execute(use, home, 1)
    await books.deposit("a111/1", 500)
    with pytest.raises(asyncpg.CheckViolationError, match="ck_prepaid_balance_balance"):
        await superuser.execute(use, home, 501)
    with pytest.raises(asyncpg.CheckViolationError, match="ck_ledger_entry_prepaid"):
        await superuser.execute(use.replace("'used'", "'opened'"), home, 1)
    await superuser.execute("set role zhian_app")
    for change in ("update prepaid_balance set balance_fen = 1", "delete from prepaid_balance"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await superuser.execute(change)
    await superuser.execute("reset role")
    assert await superuser.fetchval("select balance_fen from prepaid_balance") == 500
