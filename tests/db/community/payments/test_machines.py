"""The database holds the machines of ``rules`` too: what does not follow is refused, and what is frozen stays."""

from __future__ import annotations

from itertools import product

import asyncpg
import pytest

from domain.community.payments.autopay import rules as autopay
from domain.community.payments.autopay.service import Terms, ask_autopay
from domain.community.payments.charges import ChargeKind, refund_charge
from domain.community.payments.ports import Vendor
from domain.community.payments.rules import MACHINES as PAYMENTS
from domain.community.payments.rules import InState
from migrations.tables import metadata
from tests.factories.till import Till

MACHINES = {**PAYMENTS, **autopay.MACHINES}
VALUES = {
    "autopay.closed_because": "'resident'",
    "autopay_plan.order_id": "(select min(id) from payment_order)",
    "autopay_plan.why": "'declined'",
    "closed_because": "'cancelled'",
    "credited": "true",
    "launch": "'{}'",
    "refused_because": "'x'",
    "transaction_id": "'x'",
    "failed_because": "'x'",
    "note": "'x'",
}


def value_of(table: str, column: str) -> str:
    """Something that may stand in the column."""
    return VALUES.get(f"{table}.{column}", VALUES.get(column, "now()"))


def set_to(table: str, row: InState) -> str:
    """The assignments that give a row what its state needs and nothing else."""
    columns = {c for state in MACHINES[table].values() for c in state.required | state.absent}
    said = [
        f"{c} = {value_of(table, c) if c in row.required else 'null'}"
        for c in sorted(columns)
        if c in row.required | row.absent
    ]
    return ", ".join(said)


async def put(connection: asyncpg.Connection, table: str, state: str) -> None:
    """Bring the one row into ``state``, past the machine."""
    values = ", ".join(filter(None, [f"state = '{state}'", set_to(table, MACHINES[table][state])]))
    await connection.execute(f"alter table {table} disable trigger machine")
    await connection.execute(f"update {table} set {values}")
    await connection.execute(f"alter table {table} enable trigger machine")


async def refused(connection: asyncpg.Connection, statement: str) -> bool:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except asyncpg.CheckViolationError:
        return True
    finally:
        await transaction.rollback()
    return False


@pytest.fixture
async def connection(till: Till, superuser: asyncpg.Connection) -> asyncpg.Connection:
    """One row in each table, nothing beside them."""
    bought = await till.bought(100)
    await till.take(bought.paid())
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        await refund_charge(uow, charge_id=bought.charges[0], amount_fen=1, reason="x")
    async with till.database.unit_of_work(await till.resident()) as uow:
        terms = Terms([ChargeKind.PROPERTY], 100, 1000)
        autopay_id, _ = await ask_autopay(uow, home_id=till.world.homes["a111/1"], vendor=Vendor.ALIPAY, terms=terms)
    areas = "county_id, town_id, community_id, compound_id, home_id"
    await superuser.execute(
        f"insert into autopay_plan ({areas}, autopay_id, charge_id, amount_fen, take_at, told_at)"
        f" select {areas}, $1, id, 1, now(), now() from charge",
        autopay_id,
    )
    for table in ("charge", "payment_attempt"):
        await superuser.execute(f"update {table} set refunding_fen = 0")
    return superuser


@pytest.mark.parametrize("table", sorted(MACHINES))
async def test_states_follow_as_the_rules_say(connection: asyncpg.Connection, table: str) -> None:
    for old, new in product(MACHINES[table], repeat=2):
        await put(connection, table, old)
        if old == new:
            continue
        needs = set_to(table, MACHINES[table][new])
        kept = MACHINES[table][old].frozen
        values = [f"state = '{new}'", *(v for v in needs.split(", ") if v and v.partition(" ")[0] not in kept)]
        no = await refused(connection, f"update {table} set {', '.join(values)}")
        assert no == (new not in MACHINES[table][old].then), f"{table}: {old} -> {new}"


@pytest.mark.parametrize("table", sorted(MACHINES))
async def test_what_is_frozen_in_a_state_stays(connection: asyncpg.Connection, table: str) -> None:
    kinds = {c.name: str(c.type) for c in metadata.tables[table].columns}
    for state, row in MACHINES[table].items():
        await put(connection, table, state)
        for column in sorted(row.frozen):
            kind = kinds[column]
            other = {"DATETIME": "now() + interval '1 day'", "TEXT": "'bill2'", "BOOLEAN": "not credited"}
            value = other.get(kind, f"coalesce({column}, 0) + 1")
            assert await refused(connection, f"update {table} set {column} = {value}"), f"{table}.{column} in {state}"


@pytest.mark.parametrize("table", sorted(MACHINES))
async def test_what_a_state_needs_must_be_there_and_nothing_else(connection: asyncpg.Connection, table: str) -> None:
    await connection.execute(f"alter table {table} disable trigger machine")
    for state, row in MACHINES[table].items():
        await put(connection, table, state)
        await connection.execute(f"alter table {table} disable trigger machine")
        for column in row.required:
            assert await refused(connection, f"update {table} set {column} = null"), f"{table}.{column} in {state}"
        for column in row.absent:
            value = value_of(table, column)
            assert await refused(connection, f"update {table} set {column} = {value}"), f"{table}.{column} in {state}"


async def test_entries_notices_and_receipts_are_only_added(connection: asyncpg.Connection) -> None:
    for table in ("ledger_entry", "payment_notice", "receipt"):
        rights = await connection.fetch(
            "select privilege_type from information_schema.role_table_grants"
            " where table_name = $1 and grantee = 'zhian_app'",
            table,
        )
        assert {row[0] for row in rights} == {"SELECT", "INSERT"}
