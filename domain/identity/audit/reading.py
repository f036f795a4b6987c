"""Reads the log from end to end, for whoever runs the deployment: as the auditor's role, of every chain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.identity.audit.rules import Head, Seal
from domain.kernel import bulk
from domain.kernel.actor import NOTHING
from domain.kernel.uow import transaction

COLUMNS = (
    "chain, sequence, at, county_id, town_id, community_id, compound_id, homes, actor, roles, account_id, session_id,"
    " action, object_type, object_id, details::text as details, request_id, previous, hash"
)
BATCH = 5000
Row: TypeAlias = Any
"""An entry as the driver reads it: columns by name, ``details`` as JSON text."""
CHAINS = """
with recursive found(chain) as (
  (select chain from audit_entry order by chain limit 1)
  union all
  select (select e.chain from audit_entry e where e.chain > found.chain order by e.chain limit 1)
  from found where found.chain is not null)
select chain from found where chain is not null
"""
NEXT = f"select {COLUMNS} from audit_entry where chain = $1 and sequence > $2 order by sequence limit {BATCH}"  # noqa: S608 - fixed names
TESTS = """
  ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4)
  and ($5::int is null or account_id = $5) and ($6::text is null or action = $6)
  and ($7::text is null or details->>'subject' = $7)
"""
FOUND = f"""
select {COLUMNS} from audit_entry where chain = $1 and sequence > $2 and {TESTS} order by sequence limit {BATCH}
"""  # noqa: S608 - fixed names
NEWEST = f"""
select {COLUMNS} from audit_entry where ($1::int is null or chain = $1) and {TESTS}
order by at desc, chain desc, sequence desc limit $2
"""  # noqa: S608 - fixed names


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; None = all. since is included, until is not. subject: the blind index of what was looked up."""

    since: datetime | None = None
    until: datetime | None = None
    account_id: int | None = None
    action: str | None = None
    subject: str | None = None

    def of(self, subject: str) -> Wanted:
        """The same, of one subject."""
        return replace(self, subject=subject)

    def parameters(self) -> tuple[object, ...]:
        """In the order of ``TESTS``."""
        return self.since, self.until, self.account_id, self.action, self.subject


@asynccontextmanager
async def _auditing(auditor: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction in which the auditor's role sees every entry."""
    async with transaction(auditor, NOTHING, read_only=True) as connection:
        await bulk.command(connection, "set local app.audit = 'all'")
        yield connection


async def chains(auditor: AsyncEngine) -> list[int]:
    """The chains that have entries, in order."""
    async with _auditing(auditor) as connection:
        return [row["chain"] for row in await bulk.fetch(connection, CHAINS)]


async def entries(auditor: AsyncEngine, chain: int, wanted: Wanted | None = None) -> AsyncIterator[Sequence[Row]]:
    """The rows of a chain in order of their numbers, in batches."""
    statement, more = (NEXT, ()) if wanted is None else (FOUND, wanted.parameters())
    after = -(2**63)
    async with _auditing(auditor) as connection:
        while rows := await bulk.fetch(connection, statement, chain, after, *more):
            yield rows
            after = rows[-1]["sequence"]


async def newest(auditor: AsyncEngine, chain: int | None, wanted: Wanted, first: int) -> list[Row]:
    """The newest ``first`` entries of a chain, or of all."""
    async with _auditing(auditor) as connection:
        return await bulk.fetch(connection, NEWEST, chain, first, *wanted.parameters())


async def heads(engine: AsyncEngine, chain: int | None = None) -> dict[int, Head]:
    """The end of every chain, or of one."""
    statement = "select chain, sequence, hash from audit_head where $1::int is null or chain = $1"
    async with transaction(engine, NOTHING, read_only=True) as connection:
        rows = await bulk.fetch(connection, statement, chain)
    return {row["chain"]: Head(row["sequence"], row["hash"]) for row in rows}


async def seals(engine: AsyncEngine, chain: int | None = None) -> list[Seal]:
    """The signed ends in the database, of every chain or of one."""
    statement = (
        "select chain, sequence, hash, signed_at, kid, signature from audit_signature"
        " where $1::int is null or chain = $1 order by chain, sequence"
    )
    async with transaction(engine, NOTHING, read_only=True) as connection:
        return [Seal(*row) for row in await bulk.fetch(connection, statement, chain)]
