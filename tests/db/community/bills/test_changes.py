"""Bills that stand: late fees, corrections, write-offs; and that nothing moves once money is under way."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from domain.community.bills.errors import BillClosed, BillPaid, BillRefunded, InvalidLines, NothingToCorrect
from domain.community.payments.errors import ChargeFrozen
from domain.kernel.errors import DomainError
from tests.db.community.bills.books import Books
from tests.factories.clock import Clock

LATE = {"due_days": 10, "late_daily": 500, "late_cap": 10_000}


async def balance(superuser: asyncpg.Connection) -> int:
    """What is paid ahead, as the ledger says and the balances do."""
    fen = "sum(case when credit = 'prepaid' then amount_fen else -amount_fen end)"
    said = f"select coalesce({fen}, 0)::int8 from ledger_entry where 'prepaid' in (debit, credit)"
    ahead = int(await superuser.fetchval(said))
    assert await superuser.fetchval("select coalesce(sum(balance_fen), 0) from prepaid_balance") == ahead
    return ahead


async def test_late_fees_grow_to_their_cap_and_end_discounts(books: Books, clock: Clock) -> None:
    await books.rule(**LATE, discount=20_000, discount_days=5)
    await books.publish()
    assert await books.charge(await books.bill()) == ("open", 9_800)
    for days, expected in ((3, 9_800), (3, 10_000), (5, 10_005), (1, 10_010), (90, 10_100), (90, 10_100)):
        clock.advance(days=days)
        await books.accrue()
        assert await books.charge(await books.bill()) == ("open", expected)
    assert await books.accrue() == 0


async def test_what_is_held_or_paid_keeps_its_sum_and_holds_up_no_other(books: Books, clock: Clock) -> None:
    await books.rule(**LATE)
    await books.publish()
    first, second = await books.bill("a111/1"), await books.bill("a111/2")
    await books.set_charge(first, "held")
    clock.advance(days=12)
    assert (await books.accrue(limit=1), await books.accrue(limit=1)) == (1, 0)
    assert await books.charge(first) == ("held", 10_000)
    assert await books.charge(second) == ("open", 10_010)
    await books.set_charge(first, "open")
    assert await books.accrue() == 1
    assert await books.charge(first) == ("open", 10_010)


async def test_what_is_still_to_pay_is_nothing_once_it_is_paid_or_over(books: Books) -> None:
    await books.rule()
    await books.deposit("a111/1", 14_000)
    await books.publish("2026-09")
    await books.publish()
    _, part = await books.bills()
    assert await books.sums() == [("settled", 0, 0), ("open", 6_000, 6_000)]
    await books.set_charge(part, "held")
    assert await books.sums() == [("settled", 0, 0), ("paying", 6_000, 6_000)]
    await books.set_charge(part, "paid")
    assert await books.sums() == [("settled", 0, 0), ("paid", 6_000, 0)]
    await books.correct(part.id, 7_000)
    assert await books.sums() == [("settled", 0, 0), ("paid", 6_000, 0), ("settled", -3_000, 0)]
    first, second = await books.bills("a111/2")
    await books.correct(first.id, 9_000)
    await books.write_off(second.id)
    assert await books.sums("a111/2") == [("replaced", 10_000, 0), ("written_off", 10_000, 0), ("open", 9_000, 9_000)]


@pytest.mark.parametrize("state", ["held", "paid"])
async def test_the_database_itself_keeps_the_sums_of_a_paid_bill(
    books: Books, superuser: asyncpg.Connection, state: str
) -> None:
    await books.rule()
    await books.publish()
    bill = await books.bill()
    await books.set_charge(bill, state)
    for change in ("amount_fen = 1", "late_fee_fen = 1", "lines = '[]'", "charge_id = null", "prepaid_fen = 1"):
        with pytest.raises(asyncpg.CheckViolationError, match="BILL_FROZEN"):
            await superuser.execute(f"update bill set {change} where id = $1", bill.id)


async def test_an_unpaid_bill_is_replaced(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await books.deposit("a111/1", 4_000)
    await books.publish()
    old = await books.bill()
    made = await books.correct(old.id, 9_000, -1_000)
    old, new = await books.bills()
    assert (old.state, await books.charge(old)) == ("replaced", ("void", 6_000))
    assert (new.id, new.corrects, new.amount_fen, new.prepaid_fen) == (made, old.id, 8_000, 4_000)
    assert await books.charge(new) == ("open", 4_000)
    assert await balance(superuser) == 0
    with pytest.raises(BillClosed):
        await books.correct(old.id, 1)
    with pytest.raises(BillClosed):
        await books.write_off(old.id)


async def test_a_paid_bill_stays_and_the_difference_is_credited_or_billed(
    books: Books, superuser: asyncpg.Connection
) -> None:
    await books.rule()
    await books.publish()
    less, more = await books.bill("a111/1"), await books.bill("a111/2")
    for bill in (less, more):
        await books.set_charge(bill, "paid")
    await books.correct(less.id, 7_000)
    old, credit = await books.bills("a111/1")
    assert (old.state, credit.state, credit.amount_fen, credit.charge_id) == ("issued", "settled", -3_000, None)
    assert await balance(superuser) == 3_000
    await books.correct(more.id, 12_500)
    old, added = await books.bills("a111/2")
    assert (old.amount_fen, added.amount_fen, await books.charge(added)) == (10_000, 2_500, ("open", 2_500))
    assert sum(line["amount_fen"] for line in added.lines) == 2_500
    for bill, error in ((less.id, BillClosed), (credit.id, BillClosed), (more.id, BillClosed)):
        with pytest.raises(error):
            await books.correct(bill, 1)


async def test_what_went_back_is_not_credited_as_well(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await books.publish()
    bill = await books.bill()
    await books.set_charge(bill, "paid")
    await superuser.execute("update charge set refunding_fen = 3000 where id = $1", bill.charge_id)
    with pytest.raises(BillRefunded):
        await books.correct(bill.id, 7_000)
    assert await balance(superuser) == 0


async def test_what_is_no_correction_is_refused(books: Books) -> None:
    await books.rule()
    await books.publish()
    bill = await books.bill()
    with pytest.raises(NothingToCorrect):
        await books.correct(bill.id, 10_000)
    for lines in ((), (0,), (5, -6), (10**11,), (1,) * 51):
        with pytest.raises(InvalidLines):
            await books.correct(bill.id, *lines)
    await books.set_charge(bill, "held")
    with pytest.raises(ChargeFrozen):
        await books.correct(bill.id, 5)
    assert (await books.bill()).state == "issued"


async def test_a_bill_is_written_off_unless_it_is_paid(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await books.deposit("a111/1", 4_000)
    await books.publish()
    first, second = await books.bill("a111/1"), await books.bill("a111/2")
    await books.write_off(first.id)
    assert ((await books.bill()).state, await books.charge(first)) == ("written_off", ("void", 6_000))
    assert await balance(superuser) == 4_000
    await books.set_charge(second, "paid")
    with pytest.raises(BillPaid):
        await books.write_off(second.id)
    assert len((await books.publish()).bills) == 0  # written off is not forgotten


async def test_of_a_correction_and_a_write_off_at_once_one_is_made(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await books.publish()
    bill = await books.bill()
    acts = [books.correct(bill.id, 5), books.write_off(bill.id), books.correct(bill.id, 6)]
    done = await asyncio.gather(*acts, return_exceptions=True)
    assert sorted(isinstance(each, DomainError) for each in done) == [False, True, True]
    live = "select count(*) from charge where state <> 'void' and home_id = $1"
    assert await superuser.fetchval(live, bill.home_id) == (done[1] is not None)
