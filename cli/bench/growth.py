"""`zhian bench growth`: how the cost of everyday reads grows with stored events, up to a year of the whole county.

13.7 million events are the county's yearly plate reads (2.16 M), e-bike reads (11.29 M) and visitors (0.24 M). The same
reads, through the same queries as the API, are timed at each size; each size is filled evenly over the year. A copy
of the database is kept of each size and the reads take the sizes in turn, so that a machine that slows down slows all
of them. Held against: the next smaller size of the same run.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import make_url

from cli.bench.report import Result, told
from cli.bench.stage import Stage, stage
from domain.identity.ports import Vault
from domain.kernel.actor import Actor, ActorKind, Grant, Level, Role, Scope, scope_of
from domain.kernel.uow import Database, Reader
from domain.security.alerts.queries import AlertFilter, alert_page
from domain.security.events.queries import EventFilter, event_page
from domain.security.sightings.queries import SightingFilter, sighting_page
from domain.security.sightings.subjects import SubjectKind, subject_index, subject_place
from integrations.postgres import create_engine

SIZES, QUICK_SIZES = (100_000, 1_000_000, 13_700_000), (50_000, 500_000)
GROWTH_GOAL = 1.3
COMPOUNDS, DEVICES = 50, 20
TAGS, PLATES = 1_000, 200
PAGE = 20
ROUNDS = 600
CHUNK, FILLERS = 50_000, 2

# Every sixth a plate, the rest tags; places and subjects are spread by multiplicative hashes. Rows are written in the
# order of their time, as life writes them: indexes then grow at the right edge of each key, and all stays in cache.
EVENTS = """
with n as (
  select g, (g * 7919 % $5) as device,
         now() - interval '360 days' * (1 - (g - $10::bigint)::float8 / ($11::bigint - $10)) as at
  from generate_series($1::bigint, $2::bigint) g
), e as (
  insert into event (id, county_id, town_id, community_id, compound_id, at, device_id, kind, occurred_at, received_at,
                     late, clock_suspect, attributes, personal)
  select g + 10000000, $3, $3 + 1, $3 + 2, ($4::int[])[device / $6 + 1], at, ($7::int[])[device + 1],
         case when g % 6 = 0 then 'plate_read' else 'tag_read' end, at, at, false, false, '{"direction": "in"}',
         case when g % 6 = 0 then ($13::bytea[])[g / 6 % $9 + 1] else ($15::bytea[])[g % $8 + 1] end
  from n
)
insert into sighting (id, county_id, town_id, community_id, compound_id, at, subject_kind, subject,
                      subject_index, device_id, direction, reads, event_id)
select g + 10000000, $3, $3 + 1, $3 + 2, ($4::int[])[device / $6 + 1], at,
       case when g % 6 = 0 then 'plate' else 'tag' end,
       case when g % 6 = 0 then ($13::bytea[])[g / 6 % $9 + 1] else ($15::bytea[])[g % $8 + 1] end,
       case when g % 6 = 0 then ($12::bytea[])[g / 6 % $9 + 1] else ($14::bytea[])[g % $8 + 1] end,
       ($7::int[])[device + 1], 'in', 1, g + 10000000
from n
"""

ALERTS = """
insert into alert (county_id, town_id, community_id, compound_id, source, kind, severity, device_id, audience,
                   explanation, raised_at, updated_at, cleared_at)
select $3, $3 + 1, $3 + 2, ($4::int[])[device / $6 + 1], 'bench:' || g, 'smoke', 4, ($7::int[])[device + 1],
       '["staff", "police"]', '{"rule": "bench", "because": {}, "en": "", "zh-CN": ""}', at, at,
       case when g % 50 <> 0 then at + interval '1 hour' end
from (select g, (g * 7919 % $5) as device,
             now() - interval '360 days' * (1 - (40 * g - $8::bigint)::float8 / ($9::bigint - $8)) as at
      from generate_series($1::bigint / 40, $2::bigint / 40 - 1) g) n
"""


async def measure(*, quick: bool) -> list[Result]:
    """p95 of each read at each size, and its growth from size to size."""
    sizes = QUICK_SIZES if quick else SIZES
    async with stage(compounds=COMPOUNDS, devices=DEVICES) as built, AsyncExitStack() as stack:
        copies: dict[int, Database] = {}
        for start, size in pairwise((0, *sizes)):
            await fill(built, start, size)
            copies[size] = await stack.enter_async_context(copied(built, size))
        p95 = await reads(built, await built.vault(), copies, ROUNDS)
    names = list(p95[sizes[0]])
    return [told(f"{name} at {sizes[0]:,}", p95[sizes[0]][name], "ms p95") for name in names] + [
        growth(f"{name} at {size:,}", p95[size][name], p95[less][name], size / less)
        for less, size in pairwise(sizes)
        for name in names
    ]


def growth(figure: str, p95: float, before: float, fold: float) -> Result:
    """How much ``p95`` grew for each tenfold of rows, when the rows grew ``fold``-fold."""
    ratio = (p95 / before) ** (1 / math.log10(fold))
    goal = f"<= {GROWTH_GOAL} per tenfold"
    against = f"the size before: {before:.2f} ms"
    return Result(figure, round(p95, 2), "ms p95", against, round(ratio, 3), goal, ratio <= GROWTH_GOAL)


async def fill(built: Stage, start: int, end: int) -> None:
    """Bring the tables to ``end`` events, as the superuser and past the recorder: only reads are measured here."""
    url = make_url(built.superuser_url).set(drivername="postgresql").render_as_string(hide_password=False)
    console, started = Console(stderr=True), time.perf_counter()
    chunks, subjects = iter(range(start + 1, end + 1, CHUNK)), subject_arrays(await built.vault(), built.compounds[0])
    async with asyncpg.create_pool(url, min_size=FILLERS, max_size=FILLERS, command_timeout=600) as pool:
        await _serve_bulk(pool)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"filling up to {end:,} events", total=end - start)

            async def filler() -> None:
                for first in chunks:
                    last = min(first + CHUNK - 1, end)
                    await _fill_chunk(built, pool, first, last, (start, end), subjects)
                    progress.advance(task, last - first + 1)

            await asyncio.gather(*(filler() for _ in range(FILLERS)))
        await pool.execute("vacuum analyze", timeout=None)
        await pool.execute("checkpoint", timeout=None)
    console.print(f"filled up to {end:,} events in {time.perf_counter() - started:.0f} s")


async def _serve_bulk(pool: asyncpg.Pool) -> None:
    """Let the server write without pauses: each fill ends with a VACUUM ANALYZE and a checkpoint of its own."""
    for setting in ("max_wal_size = '64GB'", "checkpoint_timeout = '1h'", "autovacuum = off"):
        await pool.execute(f"alter system set {setting}")
    await pool.execute("select pg_reload_conf()")


def tag_name(number: int) -> str:
    """The tag of that number."""
    return f"E2{number:022X}"


def plate_name(number: int) -> str:
    """The plate of that number."""
    return f"浙F{number:05d}"


def subject_arrays(vault: Vault, compound: int) -> list[list[bytes]]:
    """Blind indexes and sealed values of all plates, then of all tags.

    The values have their size but not their places, and are never opened: in life each is sealed for its own row.
    """
    arrays = []
    for kind, names in (("plate", map(plate_name, range(PLATES))), ("tag", map(tag_name, range(TAGS)))):
        found = list(names)
        arrays += [[subject_index(vault, kind, name) for name in found]]
        arrays += [[vault.seal(name, subject_place(0), area=compound) for name in found]]
    return arrays


async def _fill_chunk(
    built: Stage, pool: asyncpg.Pool, first: int, last: int, whole: tuple[int, int], subjects: list[list[bytes]]
) -> None:
    """Events, sightings and alerts number ``first`` to ``last`` of the fill from ``whole[0]`` to ``whole[1]``."""
    ids = [device.id for device in built.devices]
    arguments = (built.county, built.compounds, len(ids), DEVICES, ids)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local synchronous_commit = off")
        await connection.execute(EVENTS, first, last, *arguments, TAGS, PLATES, *whole, *subjects)
        await connection.execute(ALERTS, first, last, *arguments, *whole)


@asynccontextmanager
async def copied(built: Stage, size: int) -> AsyncIterator[Database]:
    """A copy of the stage's database as it is now, opened as the API opens it."""
    await built.engine.dispose()
    url, name = make_url(built.environment["ZHIAN_DATABASE_URL"]), f"growth_{size}"
    maintenance = make_url(built.superuser_url).set(drivername="postgresql", database="postgres")
    connection = await asyncpg.connect(maintenance.render_as_string(hide_password=False))
    try:
        await connection.execute(f'create database {name} template "{url.database}" strategy file_copy', timeout=None)
    finally:
        await connection.close()
    engine = create_engine(url.set(database=name).render_as_string(hide_password=False), pool_size=1)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


def officer(built: Stage) -> Actor:
    """A county operator: the widest rights, and the hardest reads."""
    grants = (Grant(Role.COUNTY_OPERATOR, built.county, Level.COUNTY),)
    police = (Grant(Role.COMMUNITY_POLICE, built.county + 2, Level.COMMUNITY),)
    return Actor(ActorKind.ACCOUNT, 1, 1, grants + police, (), scope_of(grants + police, (), 1))


Read = Callable[[Reader], Awaitable[Any]]


async def reads(built: Stage, vault: Vault, copies: dict[int, Database], rounds: int) -> dict[int, dict[str, float]]:
    """p95 in milliseconds of each read at each size, each on a transaction of its own; sizes take turns."""
    scope, makers = officer(built).scope, read_makers(built, vault)
    times = {size: {name: list[float]() for name in makers} for size in copies}
    warm_up = rounds // 5
    for number in range(warm_up + rounds):
        for name, make in makers.items():
            read = make()
            for size, database in copies.items():
                seconds = await timed(database, scope, read)
                if number >= warm_up:
                    times[size][name].append(seconds)
    return {size: {name: 1000 * at_95(taken) for name, taken in of.items()} for size, of in times.items()}


def at_95(taken: list[float]) -> float:
    """The value below which 95 % of ``taken`` lie."""
    return sorted(taken)[int(0.95 * len(taken))]


def read_makers(built: Stage, vault: Vault) -> dict[str, Callable[[], Read]]:
    """By name, what makes the next read of a kind: another compound, tag, plate or device each time."""
    actor, seeded = officer(built), random.Random(20200101)  # noqa: S311 - picks rows
    now = built.database.clock()

    def alerts() -> Read:
        wanted = AlertFilter(area_id=seeded.choice(built.compounds))
        return lambda reader: alert_page(reader, actor, wanted, first=PAGE, after=None)

    def tag() -> Read:
        wanted = SightingFilter(SubjectKind.TAG, tag_name(seeded.randrange(TAGS)))
        return lambda reader: sighting_page(reader, actor, vault, wanted, first=PAGE, after=None)

    def plate() -> Read:
        wanted = SightingFilter(SubjectKind.PLATE, plate_name(seeded.randrange(PLATES)))
        return lambda reader: sighting_page(reader, actor, vault, wanted, first=PAGE, after=None)

    def device() -> Read:
        wanted = EventFilter(device_id=seeded.choice(built.devices).id)
        return lambda reader: event_page(reader, actor, wanted, first=PAGE, after=None, now=now)

    return {
        "alerts of a compound": alerts,
        "sightings of a tag": tag,
        "sightings of a plate": plate,
        "events of a device": device,
    }


async def timed(database: Database, scope: Scope, read: Read) -> float:
    """Seconds of one read, from checkout to the end of its transaction. RuntimeError when its page is not full."""
    started = time.perf_counter()
    async with database.reader(scope) as reader:
        page = await read(reader)
    taken = time.perf_counter() - started
    if len(page.items) != PAGE:
        raise RuntimeError(f"a page of {len(page.items)}, not {PAGE}: the fill and the reads do not match")
    return taken
