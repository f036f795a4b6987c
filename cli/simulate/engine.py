"""Plays a scenario: arrivals at their own times (open loop), whether or not earlier messages were answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cli.simulate.day import Day, pace
from cli.simulate.fleet import Fleet
from cli.simulate.over_mqtt import ACKNOWLEDGED
from cli.simulate.scenarios import Scenario
from cli.simulate.shot import Shot, Thing, Way
from cli.simulate.tally import Tally
from cli.simulate.writer import Writer

Send = Callable[[Shot], Awaitable[str]]
TOLD = 8


@dataclass(slots=True)
class Plan:
    """rate: messages a second, on average; seconds: how long."""

    rate: float
    seconds: float
    scenario: Scenario
    seed: int


@dataclass(slots=True)
class Engine:
    """One run. ``mqtt`` None = what would go over MQTT goes by the URL with its secret."""

    fleet: Fleet
    plan: Plan
    http: Send
    mqtt: Send | None
    tally: Tally = field(default_factory=Tally)
    told: deque[str] = field(default_factory=lambda: deque(maxlen=TOLD))
    progress: float = 0.0

    async def run(self) -> None:
        """Send everything and wait for every answer."""
        rng = random.Random(self.plan.seed)  # noqa: S311 - a simulation, repeatable by its seed
        run = f"{time.time_ns():x}"
        writer = Writer(rng, run, lambda: datetime.now(UTC))
        day = Day(self.fleet, writer, rng, self._silent)
        incidents = deque(self.plan.scenario.incidents)
        async with asyncio.TaskGroup() as group:
            start = asyncio.get_running_loop().time()
            for due in arrivals(self.plan, rng):
                await self._sleep_until(start + due)
                self.progress = due / self.plan.seconds
                while incidents and incidents[0].at <= self.progress:
                    incident = incidents.popleft()
                    self.told.append(incident.words)
                    group.create_task(self._send(incident.make(writer)))
                shot = day.next()
                if shot is not None:
                    group.create_task(self._send(shot))
            for incident in incidents:
                self.told.append(incident.words)
                group.create_task(self._send(incident.make(writer)))
        self.progress = 1.0

    def _silent(self, thing: Thing) -> bool:
        return self.plan.scenario.silent(thing, self.progress)

    async def _sleep_until(self, at: float) -> None:
        delay = at - asyncio.get_running_loop().time()
        await asyncio.sleep(max(delay, 0))

    async def _send(self, shot: Shot) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        self.tally.start(str(shot.kind), shot.records, begun)
        over_mqtt = shot.way is Way.MQTT and self.mqtt is not None
        outcome = await (self.mqtt(shot) if over_mqtt and self.mqtt else self.http(shot))
        self.tally.end(outcome, clock() - begun, acknowledged=outcome in ("200", ACKNOWLEDGED))


def arrivals(plan: Plan, rng: random.Random) -> Iterator[float]:
    """Seconds from the start at which messages leave: a Poisson process whose rate follows the day's hours."""
    now = 0.0
    while (now := now + rng.expovariate(plan.rate * pace(now / plan.seconds))) < plan.seconds:
        yield now
