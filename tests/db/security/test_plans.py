"""The plans of big reads: index ranges only, for one place and for a county, with row-level security on."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.identity.audit.queries import LogFilter, entry_page
from domain.kernel.actor import Actor, ActorKind, Grant, HomeRole, Household, Level, Role, Scope, Trust, scope_of
from domain.kernel.paging import encode_cursor
from domain.kernel.uow import Reader, transaction
from domain.security.alerts.queries import AlertFilter, AlertState, alert_page, change_log
from domain.security.devices.observation import EventKind
from domain.security.events.queries import EventFilter, event_log, event_page
from domain.security.sightings.queries import SightingFilter, sighting_page
from domain.security.sightings.subjects import SubjectKind
from integrations.postgres import create_engine
from tests.factories.database import Databases, at
from tests.factories.patience import PATIENCE
from tests.factories.servers import Servers
from tests.factories.world import LONG_AGO

COUNTY, TOWN, COMMUNITY, COMPOUNDS, HOME = 1, 2, 3, range(4, 24), 11
FILL = """
insert into area (id, level, parent_id, path, name, county_id, town_id, community_id, compound_id, kind) values
  (1, 'county', null, '1', 'C', 1, null, null, null, null), (2, 'town', 1, '1.2', 'T', 1, 2, null, null, null),
  (3, 'community', 2, '1.2.3', 'M', 1, 2, 3, null, null);
insert into area (id, level, parent_id, path, name, county_id, town_id, community_id, compound_id, kind)
  select n, 'compound', 3, ('1.2.3.' || n)::ltree, 'P' || n, 1, 2, 3, n, 'closed' from generate_series(4, 23) n;
insert into event (id, compound_id, at, device_id, home_id, kind, occurred_at, received_at, attributes,
                   county_id, town_id, community_id)
  select n, 4 + n % 20, now() - n * interval '2 minutes', n % 200, case when n % 500 = 0 then 11 end, 'passage',
         now(), now(), '{}', 1, 2, 3 from generate_series(1, 60000) n;
insert into sighting (id, compound_id, at, subject_kind, subject, subject_index, device_id, event_id,
                      county_id, town_id, community_id)
  select n, 4 + n % 20, now() - n * interval '2 minutes', 'plate', '', decode(md5('plate|P' || n % 300), 'hex'),
         n % 200, n, 1, 2, 3
  from generate_series(1, 30000) n;
insert into alert (compound_id, source, kind, severity, home_id, audience, explanation, raised_at, updated_at,
                   cleared_at, county_id, town_id, community_id)
  select 4 + n % 20, 'device:' || n, 'smoke', 3, case when n % 100 = 0 then 11 end, '["home","staff","police"]', '{}',
         now() - n * interval '5 minutes', now(), case when n % 1000 > 0 then now() end, 1, 2, 3
  from generate_series(1, 30000) n;
insert into alert_change (alert_id, change, at, snapshot, compound_id, county_id, town_id, community_id)
  select n, 'raised', now(), '{}', 4 + n % 20, 1, 2, 3 from generate_series(1, 30000) n;
insert into audit_entry (chain, sequence, at, homes, actor, roles, action, object_type, details, request_id, previous,
                         hash, county_id, town_id, community_id, compound_id)
  select 4 + n % 20, n, now() - n * interval '2 minutes', '{}', 'account',
         case when n % 3 = 0 then '{community_police}'::text[] else '{property_staff}' end, 'role.granted', '', '{}',
         '', '', '', 1, 2, 3, 4 + n % 20 from generate_series(1, 60000) n;
analyze;
"""
OLDEST = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
BIG = ("event", "sighting", "alert", "audit_entry")
MOST_ROWS = 3_000
"""What a page may touch of 60,000 events: the newest few of each compound and partition, never a history."""


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of a plan that ran."""
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


@contextmanager
def noted(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """The statements on big tables with their values, as the driver gets them."""
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if any(f"FROM {name}" in statement for name in BIG):
            seen.append((statement, values))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def explained(engine: AsyncEngine, scope: Scope, seen: list[tuple[str, Any]]) -> list[list[dict[str, Any]]]:
    """For each statement the nodes on big tables of its plan, as it ran."""
    plans = []
    async with transaction(engine, scope, read_only=True) as connection:
        for statement, values in seen:
            plan = (
                await connection.exec_driver_sql(f"explain (analyze, format json) {statement}", values)
            ).scalar_one()
            tree = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
            plans.append([n for n in nodes(tree) if str(n.get("Relation Name", "")).startswith(BIG)])
    return plans


def touched(plan: list[dict[str, Any]]) -> float:
    """How many rows were looked at."""
    return sum((n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"] for n in plan)


def scanned(plan: list[dict[str, Any]]) -> list[str]:
    """The tables that were read from end to end (an empty partition may be)."""
    whole = [n for n in plan if n["Node Type"] == "Seq Scan" and touched([n]) > 0]
    return [n["Relation Name"] for n in whole]


def staff_of(role: Role, area: int, level: Level) -> Actor:
    grants = (Grant(role, area, level),)
    return Actor(ActorKind.ACCOUNT, 1, grants=grants, scope=scope_of(grants, (), 1))


RESIDENT_HOMES = (Household(HOME, 4, HomeRole.OWNER, Trust.OFFICE, LONG_AGO),)
ACTORS = {
    "compound": staff_of(Role.PROPERTY_MANAGER, 4, Level.COMPOUND),
    "community": staff_of(Role.COMMUNITY_POLICE, COMMUNITY, Level.COMMUNITY),
    "town": staff_of(Role.TOWN_OPERATOR, TOWN, Level.TOWN),
    "county": staff_of(Role.COUNTY_OPERATOR, COUNTY, Level.COUNTY),
    "home": Actor(ActorKind.ACCOUNT, 1, households=RESIDENT_HOMES, scope=scope_of((), RESIDENT_HOMES, 1)),
}
Page = Callable[[Reader, Actor, str | None, datetime], Coroutine[Any, Any, Any]]


def _events(**fields: Any) -> Page:
    async def page(reader: Reader, actor: Actor, after: str | None, now: datetime) -> Any:
        return await event_page(reader, actor, EventFilter(**fields), first=20, after=after, now=now)

    return page


def _alerts(**fields: Any) -> Page:
    async def page(reader: Reader, actor: Actor, after: str | None, _: datetime) -> Any:
        return await alert_page(reader, actor, AlertFilter(**fields), first=20, after=after)

    return page


async def _sightings(reader: Reader, actor: Actor, after: str | None, _: datetime) -> Any:
    vault: Any = SimpleNamespace(index=lambda _, value: hashlib.md5(value.encode(), usedforsecurity=False).digest())
    return await sighting_page(reader, actor, vault, SightingFilter(SubjectKind.PLATE, "P7"), first=20, after=after)


def _log(**fields: Any) -> Page:
    async def page(reader: Reader, actor: Actor, after: str | None, now: datetime) -> Any:
        behind = None if after is None else encode_cursor(now - timedelta(days=20), 10**9, 0)
        return await entry_page(reader, actor, LogFilter(**fields), first=20, after=behind)

    return page


PAGES = [
    *((f"events of a {name}", _events(), name) for name in ACTORS),
    ("events of a device", _events(device_id=7), "county"),
    ("events of a kind in a compound", _events(kind=EventKind.PASSAGE), "compound"),
    ("events of a compound in a county", _events(area_id=5), "county"),
    *((f"alerts of a {name}", _alerts(), name) for name in ACTORS),
    ("active alerts of a county", _alerts(state=AlertState.ACTIVE), "county"),
    ("active alerts of a compound", _alerts(state=AlertState.ACTIVE), "compound"),
    *((f"audit log of a {name}", _log(), name) for name in ("compound", "town", "county")),
    ("audit log of a compound in a county", _log(area_id=5), "county"),
    ("sightings of a plate", _sightings, "community"),
]


@pytest.fixture(scope="module")
def filled(databases: Databases, servers: Servers) -> Any:
    """One database for all plans."""
    with databases.new() as url:

        async def fill() -> None:
            connection = await asyncpg.connect(at(servers.superuser_url, urlsplit(url).path.strip("/")))
            await connection.execute(FILL)
            await _settled(connection)
            await connection.close()

        asyncio.run(fill())
        yield url


async def _settled(connection: asyncpg.Connection) -> None:
    """No transaction that began before the rows were there is open any more. Tests beside this one have some, in other
    databases of the same server, and the end of a log is before whatever they may still write."""
    written = await connection.fetchval("select max(xmin::text::bigint) from alert_change")
    async with asyncio.timeout(PATIENCE):
        while await connection.fetchval(OLDEST) <= written:  # noqa: ASYNC110 - nobody tells of another's end
            await asyncio.sleep(0.05)


@pytest.fixture
async def filled_engine(filled: str) -> Any:
    engine = create_engine(filled)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(("name", "page", "who"), PAGES, ids=[name for name, _, _ in PAGES])
async def test_a_page_reads_index_ranges_only(filled_engine: AsyncEngine, name: str, page: Page, who: str) -> None:
    actor = ACTORS[who]
    reader = Reader(filled_engine, actor.scope)
    with noted(filled_engine) as seen:
        now = await reader.scalar(text("select now()"))
        for after in (None, encode_cursor(now - timedelta(days=20), 10**9)):
            found = await page(reader, actor, after, now)
            assert len(found.items) == 20 or "active" in name
        await reader.close()
    plans = await explained(filled_engine, actor.scope, seen)
    assert len(plans) >= 2
    for plan in plans:
        assert plan
        assert scanned(plan) == []
        assert touched(plan) <= MOST_ROWS


@pytest.mark.parametrize("scope", [Scope(counties=(COUNTY,)), Scope(compounds=(4,))], ids=["county", "compound"])
async def test_the_end_of_a_log_is_found_by_its_index(filled_engine: AsyncEngine, scope: Scope) -> None:
    for log in (event_log(filled_engine), change_log(filled_engine)):
        end = await log.end()
        with noted(filled_engine) as seen:
            assert (await log.after(end, scope, 500)).items == []
        (plan,) = await explained(filled_engine, scope, seen)
        assert scanned(plan) == []
        assert touched(plan) == 0
