"""Whatever a superuser does to the log, ``zhian audit verify`` names it."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.identity.audit.rules import digest, line_of
from domain.identity.audit.verification import Auditing
from domain.kernel.uow import Database
from integrations.identity.audit import AuditKeys
from tests.db.audit.kit import CHAIN, acted, named, signed

ROWS = 9
STEP_AROUND = "set session_replication_role = replica"  # triggers do not fire

CHANGES = {
    "at": "at + interval '1 microsecond'",
    "county_id": "8",
    "town_id": "null",
    "community_id": "4",
    "homes": "array[11]",
    "actor": "'system'",
    "roles": "array['community_police']",
    "account_id": "null",
    "session_id": "7",
    "action": "'alert.resolved'",
    "object_type": "'Event'",
    "object_id": "null",
    "details": "details || '{\"account\": 99}'",
    "request_id": "'request-2'",
    "previous": "sha256('')",
    "hash": "sha256('')",
}


@pytest.fixture
async def tamper(engine: AsyncEngine, superuser: asyncpg.Connection) -> asyncpg.Connection:
    """A superuser past the triggers, and nine entries."""
    await acted(engine, ROWS)
    await superuser.execute(STEP_AROUND)
    return superuser


async def test_an_untouched_log_is_sound(auditing: Auditing, tamper: asyncpg.Connection) -> None:
    report = await auditing.check(CHAIN)
    assert (report.rows, report.findings, report.signed_to) == (ROWS, (), 0)
    assert await auditing.chains() == ([CHAIN], ROWS)


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("row", [1, 4, ROWS])
async def test_each_changed_column_is_named(
    auditing: Auditing, tamper: asyncpg.Connection, column: str, row: int
) -> None:
    await tamper.execute(f"update audit_entry set {column} = {CHANGES[column]} where sequence = $1", row)
    assert await named(auditing) == [("changed", row, row)]


async def test_every_column_is_tried(tamper: asyncpg.Connection) -> None:
    columns = await tamper.fetch("select column_name from information_schema.columns where table_name = 'audit_entry'")
    assert {row[0] for row in columns} == CHANGES.keys() | {"chain", "compound_id", "sequence"}


async def test_a_row_moved_to_another_chain_is_missed_here_and_named_there(
    auditing: Auditing, tamper: asyncpg.Connection
) -> None:
    await tamper.execute("update audit_entry set chain = 8, compound_id = 8 where sequence = 4")
    assert await named(auditing) == [("deleted", 4, 4)]
    assert await named(auditing, 8) == [("deleted", 1, 3), ("head", 1, 4), ("changed", 4, 4)]
    assert (await auditing.chains())[0] == [CHAIN, 8]


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ("sequence = 4", ("deleted", 4, 4)),
        ("sequence between 3 and 6", ("deleted", 3, 6)),
        ("sequence = 1", ("deleted", 1, 1)),
        ("sequence = 9", ("truncated", 9, 9)),
        ("sequence > 5", ("truncated", 6, 9)),
        ("true", ("truncated", 1, 9)),
    ],
)
async def test_deleted_rows_are_named(
    auditing: Auditing, tamper: asyncpg.Connection, gone: str, expected: tuple[str, int, int]
) -> None:
    await tamper.execute(f"delete from audit_entry where {gone}")
    assert await named(auditing) == [expected]


async def test_swapped_rows_are_named_with_their_places(auditing: Auditing, tamper: asyncpg.Connection) -> None:
    await tamper.execute("alter table audit_entry drop constraint pk_audit_entry")
    await tamper.execute("update audit_entry set sequence = 10 - sequence where sequence in (3, 7)")
    assert await named(auditing) == [("moved", 3, 3), ("moved", 7, 7)]
    told = [found.said for found in (await auditing.check(CHAIN)).findings]
    assert told == ["was written as number 7", "was written as number 3"]


FORGED = """
insert into audit_entry
select chain, $1, at, county_id, town_id, community_id, compound_id, homes, actor, roles, account_id, session_id,
       'alert.resolved', object_type, object_id, details, request_id, previous, $2
from audit_entry where sequence = 4
"""


async def test_a_forged_row_at_the_end_is_named(auditing: Auditing, tamper: asyncpg.Connection) -> None:
    await tamper.execute(FORGED, 10, b"\0" * 32)
    assert await named(auditing) == [("inserted", 10, 10)]


async def test_a_forged_row_under_a_number_that_was_given_is_named(
    auditing: Auditing, tamper: asyncpg.Connection
) -> None:
    await tamper.execute("alter table audit_entry drop constraint pk_audit_entry")
    await tamper.execute(FORGED, 4, b"\0" * 32)
    assert ("inserted", 4, 4) in await named(auditing)


async def own_hash(tamper: asyncpg.Connection, sequence: int, previous: bytes | None = None) -> bytes:
    """Give a row the hash of what it says now; the hash."""
    row = await tamper.fetchrow(
        "select *, details::text as details from audit_entry where sequence = $1 and chain = $2", sequence, CHAIN
    )
    before = row["previous"] if previous is None else previous
    columns = dict(row.items())
    own = digest(before, CHAIN, sequence, line_of(columns))
    await tamper.execute(
        "update audit_entry set hash = $1, previous = $2 where sequence = $3 and chain = $4",
        own,
        before,
        sequence,
        CHAIN,
    )
    return own


@pytest.mark.parametrize("row", [1, 4, ROWS])
async def test_a_changed_row_with_a_hash_of_its_own_is_named_by_its_neighbour_or_the_head(
    auditing: Auditing, tamper: asyncpg.Connection, row: int
) -> None:
    await tamper.execute("update audit_entry set account_id = 99 where sequence = $1", row)
    await own_hash(tamper, row)
    assert await named(auditing) == [("replaced", row, row)]


async def test_a_row_pushed_into_the_middle_is_named_with_those_it_pushed(
    auditing: Auditing, tamper: asyncpg.Connection
) -> None:
    await tamper.execute("alter table audit_entry drop constraint pk_audit_entry")
    await tamper.execute("update audit_entry set sequence = sequence + 1 where sequence >= 5")
    await tamper.execute(FORGED, 5, b"\0" * 32)
    await tamper.execute(
        "update audit_entry set previous = (select hash from audit_entry where sequence = 4) where sequence = 5"
    )
    await own_hash(tamper, 5)
    found = await named(auditing)
    assert ("inserted", 5, 5) in found
    assert [first for kind, first, _ in found if kind == "moved"] == [6, 7, 8, 9]
    assert ("inserted", 10, 10) in found


async def rewritten(tamper: asyncpg.Connection, upto: int = ROWS) -> None:
    """What somebody can do who has the database and not the key: a whole chain that fits, head and all."""
    await tamper.execute("update audit_entry set account_id = 99 where sequence = 2")
    before = b"\0" * 32
    for sequence in range(1, upto + 1):
        before = await own_hash(tamper, sequence, before)
    await tamper.execute("delete from audit_entry where sequence > $1", upto)
    await tamper.execute("update audit_head set sequence = $1, hash = $2", upto, before)


async def test_a_chain_that_was_written_anew_differs_from_what_was_signed(
    auditing: Auditing, tamper: asyncpg.Connection, database: Database, signer: AuditKeys
) -> None:
    await signed(database, signer)
    assert await named(auditing) == []
    assert (await auditing.check(CHAIN)).signed_to == ROWS
    await rewritten(tamper)
    assert await named(auditing) == [("rewritten", ROWS, ROWS)]


async def test_without_a_signature_a_chain_that_fits_cannot_be_told(
    auditing: Auditing, tamper: asyncpg.Connection
) -> None:
    """The limit of hashes alone: it is why heads are signed and taken elsewhere."""
    await rewritten(tamper)
    assert await named(auditing) == []


async def test_a_cut_off_end_with_its_head_is_named_by_the_signature(
    auditing: Auditing, tamper: asyncpg.Connection, database: Database, signer: AuditKeys
) -> None:
    await signed(database, signer)
    await rewritten(tamper, upto=6)
    assert await named(auditing) == [("truncated", 7, ROWS)]


async def test_where_the_signatures_are_gone_too_a_copy_elsewhere_tells(
    auditing: Auditing, tamper: asyncpg.Connection, database: Database, signer: AuditKeys
) -> None:
    copies = await signed(database, signer)
    for statement in ("delete from audit_entry", "delete from audit_head", "delete from audit_signature"):
        await tamper.execute(statement)
    assert (await auditing.chains())[0] == []
    with_copies = replace(auditing, copies=copies)
    assert (await with_copies.chains())[0] == [CHAIN]
    assert await named(with_copies) == [("head", 1, 0), ("truncated", 1, ROWS)]


async def test_a_signature_by_another_key_is_named(
    auditing: Auditing, tamper: asyncpg.Connection, database: Database, signer: AuditKeys
) -> None:
    await signed(database, signer)
    await rewritten(tamper)
    head = await tamper.fetchval("select hash from audit_head")
    await tamper.execute("update audit_signature set hash = $1", head)
    assert await named(auditing) == [("forged", ROWS, ROWS)]


async def test_a_missing_head_is_named(auditing: Auditing, tamper: asyncpg.Connection) -> None:
    await tamper.execute("delete from audit_head")
    assert await named(auditing) == [("head", 1, ROWS)]


@pytest.mark.parametrize("table", ["audit_entry", "audit_signature"])
@pytest.mark.parametrize("statement", ["update {} set chain = 9", "delete from {}", "truncate {}"])
@pytest.mark.parametrize("role", ["zhian_app", "zhian_owner", "postgres"])
async def test_nobody_changes_the_log_by_the_way(
    engine: AsyncEngine, superuser: asyncpg.Connection, table: str, statement: str, role: str
) -> None:
    """The superuser has to step around the triggers on purpose."""
    await acted(engine, 1)
    if role != "postgres":
        await superuser.execute(f"set role {role}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await superuser.execute(statement.format(table))


async def test_the_application_cannot_write_a_row_by_itself(engine: AsyncEngine, superuser: asyncpg.Connection) -> None:
    await acted(engine, 4)
    await superuser.execute("set role zhian_app")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await superuser.execute(FORGED, 5, b"\0" * 32)
