"""`zhian bench growth`: how the cost of everyday reads grows with stored events, up to a year of the whole county.

13.7 million events are the county's yearly plate reads (2.16 M), e-bike reads (11.29 M) and visitors (0.24 M). The same
reads, through the same queries as the API, are timed at each size; each size is filled evenly over the year and is
measured after VACUUM ANALYZE. Held against: the next smaller size of the same run.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import make_url

from cli.bench.report import Result, told
from cli.bench.stage import Stage, stage
from domain.kernel.actor import Actor, ActorKind, Grant, Level, Role, Scope, scope_of
from domain.kernel.uow import Reader
from domain.security.alerts.queries import AlertFilter, alert_page
from domain.security.events.queries import EventFilter, event_page
from domain.security.sightings.queries import SightingFilter, sighting_page
from domain.security.sightings.subjects import SubjectKind

SIZES, QUICK_SIZES = (100_000, 1_000_000, 13_700_000), (50_000, 500_000)
GROWTH_GOAL = 1.3
COMPOUNDS, DEVICES = 50, 20
TAGS, PLATES = 1_000, 200
PAGE = 20
ROUNDS = 600
CHUNK = 200_000

# Every fifth or so a plate, the rest tags; places, subjects and times are spread evenly by a multiplicative hash.
EVENTS = """
with n as (
  select g, (g * 7919 % $5) as device, now() - interval '360 days' * ((g * 104729 % 1000003) / 1000003.0) as at
  from generate_series($1::bigint, $2::bigint) g
), e as (
  insert into event (id, county_id, town_id, community_id, compound_id, at, device_id, kind, occurred_at, received_at,
                     late, clock_suspect, attributes)
  select g + 10000000, $3, $3 + 1, $3 + 2, ($4::int[])[device / $6 + 1], at, ($7::int[])[device + 1],
         case when g % 6 = 0 then 'plate_read' else 'tag_read' end, at, at, false, false, '{"direction": "in"}'
  from n
)
insert into sighting (id, county_id, town_id, community_id, compound_id, at, subject_kind, subject, device_id,
                      direction, reads, event_id)
select g + 10000000, $3, $3 + 1, $3 + 2, ($4::int[])[device / $6 + 1], at,
       case when g % 6 = 0 then 'plate' else 'tag' end,
       case when g % 6 = 0 then '浙F' || lpad((g / 6 % $9)::text, 5, '0')
            else upper('E2' || lpad(to_hex(g % $8), 22, '0')) end,
       ($7::int[])[device + 1], 'in', 1, g + 10000000
from n
"""

ALERTS = """
insert into alert (county_id, town_id, community_id, compound_id, source, kind, severity, device_id, audience,
                   explanation, raised_at, updated_at, cleared_at)
select $3, $3 + 1, $3 + 2, ($4::int[])[device / $6 + 1], 'bench:' || g, 'smoke', 4, ($7::int[])[device + 1],
       '["staff", "police"]', '{"rule": "bench", "because": {}, "en": "", "zh-CN": ""}', at, at,
       case when g % 50 <> 0 then at + interval '1 hour' end
from (select g, (g * 7919 % $5) as device, now() - interval '360 days' * ((g * 104729 % 1000003) / 1000003.0) as at
      from generate_series($1::bigint / 40, $2::bigint / 40 - 1) g) n
"""


async def measure(*, quick: bool) -> list[Result]:
    """p95 of each read at each size, and its growth from size to size."""
    results: list[Result] = []
    before: dict[str, float] = {}
    filled = 0
    async with stage(compounds=COMPOUNDS, devices=DEVICES) as built:
        for size in QUICK_SIZES if quick else SIZES:
            await fill(built, filled, size)
            now = await reads(built, ROUNDS)
            for name, p95 in now.items():
                figure = f"{name} at {size:,}"
                grown = told(figure, p95, "ms p95") if not before else growth(figure, p95, before[name], size / filled)
                results.append(grown)
            before, filled = now, size
    return results


def growth(figure: str, p95: float, before: float, fold: float) -> Result:
    """How much ``p95`` grew for each tenfold of rows, when the rows grew ``fold``-fold."""
    ratio = (p95 / before) ** (1 / math.log10(fold))
    goal = f"<= {GROWTH_GOAL} per tenfold"
    against = f"the size before: {before:.2f} ms"
    return Result(figure, round(p95, 2), "ms p95", against, round(ratio, 3), goal, ratio <= GROWTH_GOAL)


async def fill(built: Stage, start: int, end: int) -> None:
    """Bring the tables to ``end`` events, as the superuser and past the recorder: only reads are measured here."""
    url = make_url(built.superuser_url).set(drivername="postgresql")
    connection = await asyncpg.connect(url.render_as_string(hide_password=False), command_timeout=600)
    ids = [device.id for device in built.devices]
    arguments = (built.county, built.compounds, len(ids), DEVICES, ids)
    try:
        await connection.execute("set synchronous_commit = off")
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(f"filling up to {end:,} events", total=end - start)
            for first in range(start + 1, end + 1, CHUNK):
                last = min(first + CHUNK - 1, end)
                await connection.execute(EVENTS, first, last, *arguments, TAGS, PLATES)
                await connection.execute(ALERTS, first, last, *arguments)
                progress.advance(task, last - first + 1)
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


def officer(built: Stage) -> Actor:
    """A county operator: the widest rights, and the hardest reads."""
    grants = (Grant(Role.COUNTY_OPERATOR, built.county, Level.COUNTY),)
    police = (Grant(Role.COMMUNITY_POLICE, built.county + 2, Level.COMMUNITY),)
    return Actor(ActorKind.ACCOUNT, 1, 1, grants + police, (), scope_of(grants + police, (), 1))


Read = Callable[[Reader], Awaitable[Any]]


async def reads(built: Stage, rounds: int) -> dict[str, float]:
    """p95 in milliseconds of each read, each on a connection and transaction of its own, in turn."""
    actor, seeded = officer(built), random.Random(20200101)  # noqa: S311 - picks rows
    now = built.database.clock()

    def alerts() -> Read:
        wanted = AlertFilter(area_id=seeded.choice(built.compounds))
        return lambda reader: alert_page(reader, actor, wanted, first=PAGE, after=None)

    def tag() -> Read:
        wanted = SightingFilter(SubjectKind.TAG, f"E2{seeded.randrange(TAGS):022x}".upper())
        return lambda reader: sighting_page(reader, actor, wanted, first=PAGE, after=None)

    def plate() -> Read:
        wanted = SightingFilter(SubjectKind.PLATE, f"浙F{seeded.randrange(PLATES):05d}")
        return lambda reader: sighting_page(reader, actor, wanted, first=PAGE, after=None)

    def device() -> Read:
        wanted = EventFilter(device_id=seeded.choice(built.devices).id)
        return lambda reader: event_page(reader, actor, wanted, first=PAGE, after=None, now=now)

    makers = {"alerts of a compound": alerts, "sightings of a tag": tag, "sightings of a plate": plate}
    makers |= {"events of a device": device}
    times: dict[str, list[float]] = {name: [] for name in makers}
    for number in range(rounds + rounds // 5):
        for name, make in makers.items():
            seconds = await timed(built, actor.scope, make())
            if number >= rounds // 5:
                times[name].append(seconds)
    return {name: 1000 * sorted(taken)[int(0.95 * len(taken))] for name, taken in times.items()}


async def timed(built: Stage, scope: Scope, read: Read) -> float:
    """Seconds of one read, from checkout to the end of its transaction. RuntimeError when its page is not full."""
    started = time.perf_counter()
    async with built.database.reader(scope) as reader:
        page = await read(reader)
    taken = time.perf_counter() - started
    if len(page.items) != PAGE:
        raise RuntimeError(f"a page of {len(page.items)}, not {PAGE}: the fill and the reads do not match")
    return taken
