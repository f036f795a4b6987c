"""Deposits that stood beside the ledger stand in it after the upgrade, or nothing is upgraded."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from migrations import run
from tests.migrations.compound import AREAS, COMPOUND, PLACE

BEFORE = "0030"
ROWS = f"""
{COMPOUND}
insert into home (id, {AREAS}, building_id, unit, door) values (1, {PLACE}, 1, '1', '1'), (2, {PLACE}, 1, '1', '2');
insert into bill (id, {AREAS}, home_id, kind, source, source_key, title, period_from, period_to, amount_fen, deadline,
                  state, issued_at, corrects)
  select n, {PLACE}, 1, 'property', 'office', n::text, 'x', '2026-10-01', '2026-10-31',
         case n when 3 then -70 else 900 end, '2026-11-30', 'settled', now(), nullif(n, 1) - 1
  from generate_series(1, 3) n;
insert into prepaid_balance ({AREAS}, home_id, balance_fen, changed_at)
  values ({PLACE}, 1, 670, now()), ({PLACE}, 2, 5, now());
insert into prepaid_entry ({AREAS}, home_id, kind, amount_fen, bill_id, note, made_by, at) values
  ({PLACE}, 1, 'deposit', 1000, null, '现金', 7, '2026-10-01Z'), ({PLACE}, 2, 'deposit', 5, null, '', null, now()),
  ({PLACE}, 1, 'used', -900, 1, '', 7, now()), ({PLACE}, 1, 'returned', 500, 1, '', 7, now()),
  ({PLACE}, 1, 'credit', 70, 3, '', 7, now());
"""
MOVED = "select home_id, kind, debit, credit, amount_fen, subject_id, note, made_by from ledger_entry order by id"


@pytest.fixture
async def stored(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await run.upgrade(empty_database_url, BEFORE)
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute(ROWS)
        yield connection
    finally:
        await connection.close()


async def test_deposits_become_entries_of_the_ledger(stored: asyncpg.Connection, empty_database_url: str) -> None:
    await run.upgrade(empty_database_url)
    assert [tuple(row) for row in await stored.fetch(MOVED)] == [
        (1, "deposited", "office", "prepaid", 1000, None, "现金", 7),
        (2, "deposited", "office", "prepaid", 5, None, "", None),
        (1, "opened", "receivable", "income", 900, 1, "", 7),
        (1, "used", "prepaid", "receivable", 900, 1, "", 7),
        (1, "reduced", "income", "receivable", 500, 1, "", 7),
        (1, "returned", "receivable", "prepaid", 500, 1, "", 7),
        (1, "reduced", "income", "receivable", 70, 3, "", 7),
        (1, "credited", "receivable", "prepaid", 70, 3, "", 7),
    ]
    balances = await stored.fetch("select home_id, balance_fen from prepaid_balance order by home_id")
    assert [tuple(row) for row in balances] == [(1, 670), (2, 5)]


async def test_a_balance_that_is_not_its_entries_stops_the_upgrade(
    stored: asyncpg.Connection, empty_database_url: str
) -> None:
    await stored.execute("update prepaid_balance set balance_fen = 6 where home_id = 2")
    with pytest.raises(DBAPIError, match="PREPAID_DIFFERS"):
        await run.upgrade(empty_database_url)
    assert await run.current(empty_database_url) == BEFORE
