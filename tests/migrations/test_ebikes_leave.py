"""E-bikes whose owners have left before are handed to the worker; those of residents are left alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import asyncpg

from migrations import run
from tests.migrations.compound import AREAS, COMPOUND, PLACE

LEFT = datetime(2026, 10, 2, 3, 4, 5, 678900, tzinfo=UTC)
ROWS = f"""
{COMPOUND}
insert into home (id, {AREAS}, building_id, unit, door) values (1, {PLACE}, 1, '1', '1');
insert into account (id, phone_index, phone_sealed, name)
  select n, decode(lpad(n::text, 4, '0'), 'hex'), '', 'x' from generate_series(1, 4) n;
insert into household ({AREAS}, home_id, account_id, role, trust, created_at, ended_at) values
  ({PLACE}, 1, 1, 'owner', 'office', '2026-01-01Z', '2026-02-01Z'),
  ({PLACE}, 1, 1, 'owner', 'office', '2026-03-01Z', '2026-10-02T03:04:05.6789Z'),
  ({PLACE}, 1, 2, 'owner', 'office', '2026-01-01Z', '2026-02-01Z'),
  ({PLACE}, 1, 2, 'owner', 'office', '2026-03-01Z', null),
  ({PLACE}, 1, 3, 'owner', 'office', '2026-01-01Z', '2026-02-01Z');
insert into ebike ({AREAS}, home_id, account_id, retired_at) values
  ({PLACE}, 1, 1, null), ({PLACE}, 1, 1, null), ({PLACE}, 1, 2, null), ({PLACE}, 1, 3, '2026-02-01Z'),
  ({PLACE}, 1, 4, null);
"""


async def test_whose_owner_left_is_handed_to_the_worker(empty_database_url: str) -> None:
    await run.upgrade(empty_database_url, "0036")
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute(ROWS)
        await run.upgrade(empty_database_url)
        rows = await connection.fetch("select name, compound_id, payload from outbox_event")
    finally:
        await connection.close()
    told = sorted((json.loads(row["payload"]) for row in rows), key=lambda each: each["account_id"])
    assert {(row["name"], row["compound_id"]) for row in rows} == {("resident.left", 4)}
    assert [(each["home_id"], each["account_id"]) for each in told] == [(1, 1), (1, 4)]
    assert datetime.fromisoformat(told[0]["at"]) == LEFT
    assert datetime.fromisoformat(told[1]["at"]).tzinfo is not None
