"""Checks of the database: durability, roles, row-level security, schema, partitions, clock, queues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select, text

from cli.demo_world.plant import counties
from cli.doctor.finding import Finding, judged
from domain.kernel import relay
from domain.kernel.actor import NOTHING, Scope
from domain.kernel.uow import AnyRow, Database
from domain.security.events.models import IngestTally, Quarantined
from integrations.postgres import APP_ROLE, DURABLE
from migrations.run import current, head

LEAST_SERVER: Final = 180000
SLOW_CLOCK, WRONG_CLOCK = 1.0, 60.0
OLD_EVENT, STUCK_EVENT = 60.0, 600.0
MANY_QUARANTINED: Final = 0.05
PARTITIONED: Final = ("event", "sighting", "raw_message")
_NO_FORCE: Final = """
    select relname from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
      and not relispartition and not (relrowsecurity and relforcerowsecurity)
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'county_id' and not attisdropped)
"""
_TENANT: Final = """
    select count(*) from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
      and not relispartition and relforcerowsecurity
"""


@dataclass(frozen=True, slots=True)
class DatabaseChecks:
    """Checks of one database; ``url`` is the login that migrations use."""

    database: Database
    url: str

    async def _row(self, statement: str, **parameters: object) -> AnyRow:
        async with self.database.reader(NOTHING) as reader:
            return (await reader.rows(text(statement), parameters))[0]

    async def server(self) -> list[Finding]:
        """It answers, and is new enough."""
        version, number = await self._row(
            "select current_setting('server_version'), current_setting('server_version_num')::int"
        )
        return [judged("postgresql", f"version {version}", fail=number < LEAST_SERVER, do="use PostgreSQL 18 or later")]

    async def durability(self) -> list[Finding]:
        """Nothing that was acknowledged can be forgotten."""
        found = []
        for name in DURABLE:
            (value,) = await self._row("select current_setting(:name)", name=name)
            unsafe = value not in ("on", "remote_apply", "remote_write")
            found.append(judged(name, value, fail=unsafe, do=f"set {name} = on and restart PostgreSQL"))
        return found

    async def role(self) -> list[Finding]:
        """The application cannot step around row-level security."""
        user, above = await self._row(
            "select current_user, rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        )
        do = f"let the login act as {APP_ROLE}, a role without SUPERUSER and BYPASSRLS"
        return [judged("role", user, fail=user != APP_ROLE or above, do=do)]

    async def row_security(self) -> list[Finding]:
        """Row-level security is forced on every table with tenant columns."""
        async with self.database.reader(NOTHING) as reader:
            without = [row[0] for row in await reader.rows(text(_NO_FORCE))]
            forced = await reader.scalar(text(_TENANT))
        said = f"not forced on {', '.join(sorted(without))}" if without else f"forced on {forced} tables"
        do = "alter table … enable row level security, force row level security; or restore the schema"
        return [judged("row-level security", said, fail=bool(without) or not forced, do=do)]

    async def schema(self) -> list[Finding]:
        """Migrations are at this version's head."""
        at, wanted = await current(self.url), head()
        return [judged("schema", f"at {at or 'nothing'}, code at {wanted}", fail=at != wanted, do="zhian migrate")]

    async def origin(self) -> list[Finding]:
        """The database was not loaded from another server's backup without our noticing."""
        since, moved = await self._row(
            "select max(since), bool_or(server <> zhian_server() and zhian_server() <> '') from log_epoch"
        )
        said = "loaded from another server" if moved else f"of this server; logs begin {since:%Y-%m-%d %H:%M}Z"
        return [judged("origin", said, fail=moved, do="zhian migrate: until then old cursors of feeds are believed")]

    async def partitions(self) -> list[Finding]:
        """This month and the next have their partitions, and nothing fell beside them."""
        today = self.database.clock().date()
        months = [today.replace(day=1), _next_month(today)]
        wanted = [f"{table}_p{month:%Y%m}" for table in PARTITIONED for month in months]
        (missing,) = await self._row(
            "select array(select name from unnest(cast(:names as text[])) name where to_regclass(name) is null)",
            names=wanted,
        )
        said = f"missing: {', '.join(missing)}" if missing else f"{months[0]:%Y-%m} and {months[1]:%Y-%m} are there"
        return [judged("partitions", said, fail=bool(missing), do="start the worker: its schedule makes them")]

    async def clock(self) -> list[Finding]:
        """This machine's clock and the database's agree."""
        begun = datetime.now(UTC)
        (theirs,) = await self._row("select clock_timestamp()")
        ended = datetime.now(UTC)
        apart = abs((theirs - (begun + (ended - begun) / 2)).total_seconds())
        return [
            judged(
                "clock",
                f"{apart:.3f} s from the database's",
                fail=apart > WRONG_CLOCK,
                warn=apart > SLOW_CLOCK,
                do="set both clocks by NTP: tokens and alerts depend on them",
            )
        ]

    async def outbox(self) -> list[Finding]:
        """What happened is handed on, and nothing was given up."""
        async with self.database.reader(NOTHING) as reader:
            queue = await relay.figures(reader, self.database.clock())
        waiting = judged(
            "outbox",
            f"{queue.pending} waiting, the oldest for {queue.oldest_seconds:.0f} s",
            fail=queue.oldest_seconds > STUCK_EVENT,
            warn=queue.oldest_seconds > OLD_EVENT,
            do="see that the worker runs and what its log says",
        )
        do = "mend what `outbox.dead` in the worker's log says, then retryDeadLetters (see docs/operations.md)"
        return [waiting, judged("dead letters", str(queue.dead), warn=queue.dead > 0, do=do)]

    async def ingest(self) -> list[Finding]:
        """received = stored + duplicate + quarantined, and few are quarantined."""
        sums = [func.coalesce(func.sum(getattr(IngestTally, name)), 0) for name in ("received", "stored")]
        sums += [func.coalesce(func.sum(getattr(IngestTally, name)), 0) for name in ("duplicate", "quarantined")]
        day = self.database.clock() - timedelta(days=1)
        async with self.database.reader(Scope(counties=await counties(self.database))) as reader:
            row = await reader.row(select(*sums))
            lately = await reader.scalar(select(func.count()).where(Quarantined.received_at > day))
        received, stored, duplicate, quarantined = (int(n) for n in row or (0, 0, 0, 0))
        even = received == stored + duplicate + quarantined
        said = f"{received} received = {stored} stored + {duplicate} duplicate + {quarantined} quarantined"
        many = quarantined > MANY_QUARANTINED * received
        return [
            judged("ingest", said, fail=not even, do="the tally does not add up: keep the database and report this"),
            judged(
                "quarantine",
                f"{lately} in the last day",
                warn=many,
                do="see the reasons in table quarantined: a device may speak another vendor's language",
            ),
        ]


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
