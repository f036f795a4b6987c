"""A period's bills: for every home, once, with what was paid ahead, and each with its charge."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg

from domain.community.bills.fees.rules import Basis, Tier
from domain.community.bills.kinds import BillKind
from domain.community.bills.meters.service import end_meter, register_meter, take_reading
from tests.db.community.bills.books import Books
from tests.factories.clock import Clock


async def test_every_home_of_the_compound_gets_its_bill_once(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await books.rule(basis=Basis.AREA, title="电梯费", tiers=[Tier(None, 185_000)])
    await books.area("a111/1", "89.5")
    preview = await books.plan()
    assert ([bill.amount_fen for bill in preview.bills], preview.known) == ([10_000, 10_000, 16_558], 0)
    assert [(each.home_id, each.code) for each in preview.missing] == [(books.world.homes["a111/2"], "NO_AREA")]
    assert await superuser.fetchval("select count(*) from bill") == 0
    done = await books.publish()
    assert (len(done.bills), done.amount_fen, done.known) == (3, 36_558, 0)
    assert [(bill.state, bill.source, bill.lines[0]["title"]) for bill in await books.bills()] == [
        ("issued", "office", "物业费"),
        ("issued", "office", "电梯费"),
    ]
    assert await books.charge(await books.bill()) == ("open", 16_558)
    again = await books.publish()
    assert (len(again.bills), again.known) == (0, 3)
    assert await superuser.fetchval("select count(*) from charge") == 3


async def test_two_who_publish_at_once_issue_once(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await asyncio.gather(*(books.publish() for _ in range(4)))
    assert await superuser.fetchval("select count(*) from bill") == 2
    assert await superuser.fetchval("select count(*) from charge where state = 'open'") == 2


async def test_rules_count_only_where_their_cycle_begins(books: Books) -> None:
    await books.rule(period_months=3, starts_on=date(2026, 7, 1))
    for month, expected in (("2026-04", 0), ("2026-07", 2), ("2026-08", 0), ("2026-10", 2)):
        assert len((await books.publish(month)).bills) == expected, month
    bill = await books.bill()
    assert (bill.amount_fen, bill.period_to) == (30_000, date(2026, 12, 31))


async def test_what_was_paid_ahead_is_used_first(books: Books, superuser: asyncpg.Connection) -> None:
    await books.rule()
    await books.deposit("a111/1", 14_000)
    await books.publish("2026-09")
    covered = await books.bill()
    assert (covered.state, covered.prepaid_fen, covered.charge_id) == ("settled", 10_000, None)
    await books.publish("2026-10")
    partly = await books.bill()
    assert (partly.state, partly.prepaid_fen, await books.charge(partly)) == ("issued", 4_000, ("open", 6_000))
    assert await superuser.fetchval("select balance_fen from prepaid_balance") == 0
    moves = await superuser.fetch("select kind, debit, credit, amount_fen, subject_id from ledger_entry order by id")
    assert [tuple(row) for row in moves if row["subject_id"] in (None, covered.id, partly.id)] == [
        ("deposited", "office", "prepaid", 14_000, None),
        ("opened", "receivable", "income", 10_000, covered.id),
        ("used", "prepaid", "receivable", 10_000, covered.id),
        ("opened", "receivable", "income", 10_000, None),
        ("opened", "receivable", "income", 4_000, partly.id),
        ("used", "prepaid", "receivable", 4_000, partly.id),
        ("opened", "receivable", "income", 6_000, None),
        ("opened", "receivable", "income", 10_000, None),
    ]


async def test_a_meters_use_is_billed_in_tiers(books: Books, clock: Clock) -> None:
    tiers = [Tier(10_000, 295_000), Tier(None, 440_000)]
    await books.rule(basis=Basis.METER, kind=BillKind.WATER, title="水费", unit="吨", tiers=tiers)
    world = books.world
    today = clock().date() - timedelta(days=1)
    month = today.replace(day=1)
    async with books.database.unit_of_work(world.everywhere) as uow:
        meter = await register_meter(uow, home_id=world.homes["a111/1"], kind=BillKind.WATER)
        for on, value in ((month - timedelta(days=9), "100"), (today, "112.5")):
            await take_reading(uow, meter_id=meter, value=value, read_on=on)
    done = await books.publish(f"{month:%Y-%m}")
    assert [(bill.amount_fen, len(bill.lines)) for bill in done.bills] == [(4_050, 2)]
    assert [each.code for each in done.missing] == ["NO_METER"]


async def test_the_meters_of_a_home_share_its_tiers_and_are_all_read(books: Books, clock: Clock) -> None:
    tiers = [Tier(10_000, 295_000), Tier(None, 440_000)]
    await books.rule(basis=Basis.METER, kind=BillKind.WATER, title="水费", unit="吨", tiers=tiers)
    home = books.world.homes["a111/1"]
    before, begins, ends = date(2026, 9, 25), date(2026, 10, 1), date(2026, 10, 31)

    async def meter(*values: tuple[date, str], ended: bool = False) -> int:
        async with books.database.unit_of_work(books.world.everywhere) as uow:
            made = await register_meter(uow, home_id=home, kind=BillKind.WATER)
            for on, value in values:
                await take_reading(uow, meter_id=made, value=value, read_on=on)
            if ended:
                await end_meter(uow, meter_id=made)
            return made

    clock.instant = datetime(2026, 10, 31, 12, tzinfo=UTC)
    await meter((before, "100"), (begins, "108"), ended=True)
    await meter((begins, "0"), (ends, "4.5"))
    balcony = await meter((before, "7"))
    planned = await books.plan()
    assert (planned.bills, [each.code for each in planned.missing]) == ([], ["NO_READING", "NO_METER"])
    async with books.database.unit_of_work(books.world.everywhere) as uow:
        await take_reading(uow, meter_id=balcony, value="7", read_on=ends)
    clock.instant = datetime(2026, 11, 5, tzinfo=UTC)
    await meter()  # put in when the month was over
    (bill,) = (await books.publish()).bills
    assert [(line["quantity"], line["amount_fen"]) for line in bill.lines] == [(10_000, 2_950), (2_500, 1_100)]
