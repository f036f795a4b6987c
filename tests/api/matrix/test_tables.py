"""Row-level security alone: of every table, each sees just the rows of their areas, homes and account.

Each table's policies are then taken away, to see that this is noticed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest

from domain.kernel.actor import Role
from tests.api.matrix.cast import ACTORS, BY_NAME, Standing, Who
from tests.api.matrix.ground import Ground
from tests.api.matrix.rows import Seeded

SCOPED = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relrowsecurity and not relispartition order by relname
"""
LEVELS = {"county_id": 1, "town_id": 2, "community_id": 3, "compound_id": 4}
NEIGHBOURS = {
    "area", "building", "fee_rule", "market", "price",
    "housekeeping_provider", "housekeeping_service", "housekeeping_worker", "housekeeping_shift",
}  # fmt: skip
"""Tables of what every neighbour knows, and everybody who works there."""
OFFERED = {
    "application", "application_change", "attachment",
    "repair_item", "repair_quotation", "repair_request", "repair_worker",
}  # fmt: skip
"""Tables of work that is offered to the compound's service workers, and of pictures of it."""
OWN = {"household", "role_grant", "notification", "audit_entry"}
"""Tables in which a row of one's own account is seen anywhere."""
ASSIGNED = {"housekeeping_hold", "housekeeping_absence", "housekeeping_booking"}
"""Tables of work that is somebody's, where they work."""
CLOSED_TO_HOMES = frozenset[str]()


@pytest.fixture
async def connection(ground: Ground) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(ground.superuser_url)
    yield opened
    await opened.close()


def settings(who: Who, seeded: Seeded) -> str:
    """The scope of ``who``, written out by names."""
    areas = {name: seeded.areas[name] for role, name in who.grants if role is not Role.SERVICE_WORKER}
    lists = {
        "counties": [number for name, number in areas.items() if len(name) == 1],
        "towns": [number for name, number in areas.items() if len(name) == 2],
        "communities": [number for name, number in areas.items() if len(name) == 3],
        "compounds": [number for name, number in areas.items() if len(name) == 4],
        "homes": [seeded.homes[each.home] for each in who.homes],
        "neighbourhoods": [seeded.areas[each.compound] for each in who.homes],
        "workplaces": sorted(workplaces(who, seeded)),
        "account": [seeded.accounts[who.name]],
    }
    return "; ".join(f"set local app.{name} = '{','.join(map(str, ids))}'" for name, ids in lists.items())


def workplaces(who: Who, seeded: Seeded) -> set[int]:
    """The compounds ``who`` works in."""
    return {seeded.areas[name] for role, name in who.grants if role is Role.SERVICE_WORKER}


def sees(who: Who, table: str, row: dict[str, Any], seeded: Seeded) -> bool:
    """Whether ``who`` should see a row, by what stands in it."""
    areas = [area for role, area in who.grants if role is not Role.SERVICE_WORKER]
    for area in areas:
        if any(len(area) == length and row.get(level) == seeded.areas[area] for level, length in LEVELS.items()):
            return True
    homes = {seeded.homes[each.home] for each in who.homes}
    if homes & {row["id"] if table == "home" else row.get("home_id"), *row.get("homes", ())}:
        return True
    working = workplaces(who, seeded)
    neighbours = {seeded.areas[each.compound] for each in who.homes} | working
    if table in NEIGHBOURS and row["compound_id"] in neighbours:
        return True
    if table in ASSIGNED and row["worker_account_id"] == seeded.accounts[who.name] and row["compound_id"] in working:
        return True
    if table in OFFERED and row["compound_id"] in working:
        return True
    return table in OWN and row["account_id"] == seeded.accounts[who.name]


async def odd(
    connection: asyncpg.Connection, seeded: Seeded, tables: Sequence[str], actors: Sequence[Who], first: str = ""
) -> list[str]:
    """What of ``tables`` is seen that should not be, and the other way; ``first``: done to the database before."""
    rows = {
        table: await connection.fetch(f"select tableoid::int, ctid, to_jsonb(t) as said from {table} t")
        for table in tables
    }
    found = []
    for who in actors:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"{first}; set local role zhian_app; {settings(who, seeded)}")
        for table in tables:
            seen = {(row[0], row[1]) for row in await connection.fetch(f"select tableoid::int, ctid from {table}")}
            should = {(r[0], r[1]) for r in rows[table] if sees(who, table, json.loads(r["said"]), seeded)}
            if seen != should:
                found.append(f"{who.name}: {table}: {len(seen - should)} too many, {len(should - seen)} missing")
        await transaction.rollback()
    return found


async def tables_of(connection: asyncpg.Connection) -> list[str]:
    """Every table with row-level security."""
    return [row[0] for row in await connection.fetch(SCOPED)]


async def test_each_sees_just_the_rows_of_their_scope_without_any_filter(
    ground: Ground, connection: asyncpg.Connection
) -> None:
    signed_in = [who for who in ACTORS if who.standing is not Standing.ANONYMOUS]
    assert await odd(connection, ground.seeded, await tables_of(connection), signed_in) == []


async def test_a_table_without_its_policies_is_noticed(ground: Ground, connection: asyncpg.Connection) -> None:
    somebody = [BY_NAME["guest"], BY_NAME["owner"], BY_NAME["staff"]]
    for table in await tables_of(connection):
        opened = f"alter table {table} disable row level security"
        assert await odd(connection, ground.seeded, [table], somebody, opened), f"{table} may be read by everybody"
