"""What a home was billed for and asked for before somebody came: owners see its bills, nobody what others asked for."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import asyncpg
import pytest
from sqlalchemy import select

from domain.community.applications import policies as applications
from domain.community.applications.models import Application
from domain.community.bills import queries as bills
from domain.community.bills import sight
from domain.community.bills.models import Bill
from domain.community.payments import policies as payments
from domain.community.payments.models import Charge
from domain.community.payments.queries import Focus, charge_page
from domain.kernel.actor import Actor, HomeRole, Trust
from domain.kernel.uow import Database
from tests.factories.clock import Clock
from tests.factories.repairs import actor_of
from tests.factories.world import World

TICK, DAY = timedelta(microseconds=1), timedelta(days=1)
HOME = "a111/1"
CHARGE = """
insert into charge (county_id, town_id, community_id, compound_id, home_id, subject, kind, subject_id, amount_fen,
                    title, state, opened_at, paid_at)
select county_id, town_id, community_id, compound_id, id, $2, case $2 when 'bill' then 'water' else $2 end, $3, 100,
       'x', $4, $5, $6 from home where id = $1
returning id
"""
BILL = """
insert into bill (county_id, town_id, community_id, compound_id, home_id, kind, source, source_key, title, period_from,
                  period_to, amount_fen, deadline, state, charge_id, issued_at)
select county_id, town_id, community_id, compound_id, id, 'water', 'office', $2, 'x', '2026-01-01', '2026-01-31', 100,
       '2026-02-28', $3, $4, $5 from home where id = $1
"""
APPLICATION = """
insert into application (county_id, town_id, community_id, compound_id, home_id, kind, subject_id, title, state,
                         submitted_at, updated_at)
select county_id, town_id, community_id, compound_id, id, 'repair', $2, 'x', 'submitted', $3, $3 from home where id = $1
"""
OPEN_BEFORE, HELD_BEFORE, PAID_BEFORE, PAID_THEN, PAID_AFTER, OPENED_THEN = range(1, 7)
VOID_BEFORE, REPAIR_BEFORE, REPAIR_THEN, BALANCE_BEFORE, BALANCE_THEN = range(7, 12)
THEIRS = {OPEN_BEFORE, HELD_BEFORE, PAID_THEN, PAID_AFTER, OPENED_THEN}
"""Bills that a tenant or member sees who came in between: those of their time, and those that were still to be paid."""


async def charged(superuser: asyncpg.Connection, home: int, clock: Clock, apart: int = 0) -> None:
    """Charges by number (and so much more), with their bills, around the instant ``clock`` shows."""
    moved = clock.instant
    for number, subject, state, opened, paid in (
        (OPEN_BEFORE, "bill", "open", moved - DAY, None),
        (HELD_BEFORE, "bill", "held", moved - DAY, None),
        (PAID_BEFORE, "bill", "paid", moved - DAY, moved - TICK),
        (PAID_THEN, "bill", "paid", moved - DAY, moved),
        (PAID_AFTER, "bill", "paid", moved - DAY, moved + TICK),
        (OPENED_THEN, "bill", "void", moved, None),
        (VOID_BEFORE, "bill", "void", moved - TICK, None),
        (REPAIR_BEFORE, "repair", "open", moved - TICK, None),
        (REPAIR_THEN, "repair", "open", moved, None),
    ):
        charge = await superuser.fetchval(CHARGE, home, subject, number + apart, state, opened, paid)
        if subject == "bill":
            await superuser.execute(BILL, home, str(number + apart), "issued", charge, opened)
    for number, issued in ((BALANCE_BEFORE, moved - TICK), (BALANCE_THEN, moved)):
        await superuser.execute(BILL, home, str(number + apart), "settled", None, issued)


async def seen(database: Database, actor: Actor) -> tuple[set[int], set[int], set[int]]:
    """Numbers of the bills and of the charges that ``actor`` sees, and of the charges in their list."""
    async with database.reader(actor.scope) as reader:
        billed = await reader.rows(select(Bill.source_key).where(sight.visible(actor, Bill)))
        asked = await reader.rows(select(Charge.subject_id).where(payments.visible(actor, Charge)))
        listed = await charge_page(reader, actor, Focus(), first=100, after=None)
        whole = await bills.bill_page(reader, actor, bills.BillFilter(), first=100, after=None)
    assert len(whole.items) == len(billed)
    return ({int(row[0]) for row in billed}, {row[0] for row in asked}, {row.subject_id for row in listed.items})


@pytest.mark.parametrize("role", list(HomeRole))
async def test_owners_see_all_bills_of_the_home_and_others_those_they_are_asked_to_pay(
    world: World, clocked: Database, clock: Clock, superuser: asyncpg.Connection, role: HomeRole
) -> None:
    await charged(superuser, world.homes[HOME], clock)
    await charged(superuser, world.homes["a111/2"], clock, 100)
    actor = await actor_of(world, await world.living_in(HOME, role, since=clock.instant))
    billed, asked, listed = await seen(clocked, actor)
    every = THEIRS | {PAID_BEFORE, VOID_BEFORE} if role is HomeRole.OWNER else THEIRS
    assert billed == every | ({BALANCE_BEFORE, BALANCE_THEN} if role is HomeRole.OWNER else {BALANCE_THEN})
    assert asked == listed == every | {REPAIR_THEN}


async def test_owning_one_home_opens_nothing_of_another(
    world: World, clocked: Database, clock: Clock, superuser: asyncpg.Connection
) -> None:
    await charged(superuser, world.homes[HOME], clock)
    person = await world.living_in("a111/2", since=clock.instant)
    await world.living_in(HOME, HomeRole.TENANT, person=person, since=clock.instant)
    assert (await seen(clocked, await actor_of(world, person)))[1] == THEIRS | {REPAIR_THEN}
    unverified = await world.living_in(HOME, HomeRole.OWNER, Trust.PHONE, since=clock.instant)
    assert await seen(clocked, await actor_of(world, unverified)) == (set(), set(), set())


@pytest.mark.parametrize("role", list(HomeRole))
async def test_what_others_asked_for_before_is_told_to_nobody_who_comes_after(
    world: World, clocked: Database, clock: Clock, superuser: asyncpg.Connection, role: HomeRole
) -> None:
    for number, away in enumerate((-TICK, timedelta(0), TICK)):
        await superuser.execute(APPLICATION, world.homes[HOME], number, clock.instant + away)
    actor = await actor_of(world, await world.living_in(HOME, role, since=clock.instant))
    async with clocked.reader(actor.scope) as reader:
        rows = await reader.rows(select(Application.subject_id).where(applications.visible(actor, Application)))
    everything = await superuser.fetch("select *, submitted_at as over_at from application")
    by_python = {row["subject_id"] for row in everything if applications.shows(actor, SimpleNamespace(**row))}
    assert {row.subject_id for row in rows} == by_python == {1, 2}
