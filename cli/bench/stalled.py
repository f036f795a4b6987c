"""`zhian bench stalled`: two thousand subscribers stop reading; what they cost, and what a healthy one notices.

All follow one feed with the same words, so the healthy one, which joins last, stands behind every stalled one. Its
latency is taken alone, with the stalled ones' buffers full, and alone again. Two measurements of the same thing differ
by themselves: what the second alone differs from the first is the noise that is allowed besides the factor.

Who stops reading answers no ping either and is closed with 1013. It hears so only if it reads again within the few
seconds of the farewell; the others find their connection cut.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import psutil

from cli.bench import fanout, http_load
from cli.bench.alert import body, operator_token, percentile
from cli.bench.crowd import Crowd
from cli.bench.report import Result, at_most, told
from cli.bench.stage import Stage, stage

STALLED = 2_000
FILL, FILL_BODIES = 130, 2  # a hundred fill the buffers of the system and of the transport, the rest waits in the queue
PER_SECOND = 20
SECONDS = 4  # filling and this end before the first is closed, ten seconds after it stopped at the earliest
RECEIVE_BUFFER = 4_096
CLOSED_GOAL = 30.0
MEMORY_GOAL = 192.0  # KiB: 40 of any subscriber, 64 and a frame in the transport, 256 references in the queue
FACTOR = 1.5
TRY_LATER = 1013
FEED = "subscription S { eventFeed { cursor event { id " + " ".join(f"a{n}: attributes" for n in range(14)) + " } } }"


@dataclass
class Scene:
    """One API process, a healthy subscriber, and how its memory and its feeds are looked at."""

    built: Stage
    token: str
    process: psutil.Process
    numbers: Iterator[int] = field(default_factory=itertools.count)
    healthy: Crowd | None = None
    heard: list[float] = field(default_factory=list)

    async def subscribe(self, count: int, receive_buffer: int | None = None) -> Crowd:
        """``count`` subscribers of the feed."""
        subscription = fanout.Subscription(self.built.port, FEED, {}, f"Bearer {self.token}", _nothing)
        return await fanout.subscribed(subscription, count, receive_buffer=receive_buffer)

    async def join(self) -> None:
        """Let the healthy one subscribe, anew."""
        if self.healthy is not None:
            self.healthy.close()
        self.healthy = await self.subscribe(1)
        self.heard.clear()
        self.healthy.sockets[0].on_frame = self._on_frame

    def _on_frame(self, payload: bytes) -> None:
        if b'"next"' in payload[:80]:
            self.heard.append(time.perf_counter())

    def event(self) -> bytes:
        """One event that nobody is alarmed by."""
        number = next(self.numbers)
        return body("camera_event", f"c{number}", {"type": "motion", "track": f"{number:060}"})

    async def fill(self) -> None:
        """Events enough to fill every buffer of a subscriber that does not read."""
        for _ in range(FILL_BODIES):
            lines = b"\n".join(self.event() for _ in range(FILL // FILL_BODIES))
            await http_load.run([self._push(lines, "application/x-ndjson")], port=self.built.port, connections=1)

    async def latencies(self, seconds: int) -> list[float]:
        """Seconds from push to the healthy one's frame."""
        pushed: list[float] = []
        before = len(self.heard)
        async with http_load.Pool(self.built.port, 8) as pool:
            for _ in range(seconds * PER_SECOND):
                pushed.append(time.perf_counter())
                pool.send(self._push(self.event()))
                await asyncio.sleep(1 / PER_SECOND)
        await self.until_heard(before + len(pushed))
        return sorted(heard - at for at, heard in zip(pushed, self.heard[before:], strict=True))

    async def until_heard(self, count: int) -> None:
        """Wait until the healthy one has so many items. Raises TimeoutError."""
        async with asyncio.timeout(30):
            while len(self.heard) < count:  # noqa: ASYNC110 - frames are counted by callbacks
                await asyncio.sleep(0.005)

    async def subscribers(self) -> int:
        """Open feeds of events."""
        async with httpx.AsyncClient() as http:
            metrics = (await http.get(f"http://127.0.0.1:{self.built.port}/metrics")).text
        found = re.search(r"^zhian_events_subscribers (\d+)", metrics, re.MULTILINE)
        return int(found[1]) if found else -1

    def memory(self) -> float:
        """Resident KiB of the API process."""
        return float(self.process.memory_info().rss) / 1024

    def _push(self, said: bytes, content_type: str = "application/json") -> bytes:
        secret = self.built.devices[0].secret.credential
        return http_load.request("/devices/events", self.built.port, secret, said, content_type)


@dataclass(frozen=True, slots=True)
class Stall:
    """What became of them. kibibytes: most memory a socket. seconds: until the last was let go. codes: per socket."""

    kibibytes: float
    idle_kibibytes: float
    seconds: float
    codes: list[int | None]
    latencies: list[float]


async def measure() -> list[Result]:
    """Alone, stalled, alone."""
    async with stage(devices=1) as built:
        token = await operator_token(built)
        async with built.process("api.main", port=built.port):
            scene = Scene(built, token, api_process())
            await scene.join()
            await scene.latencies(2)  # warm up
            first = await scene.latencies(SECONDS)
            stall = await stalled(scene, STALLED, SECONDS)
            second = await scene.latencies(SECONDS)
    alone = percentile(sorted(first + second), 0.95)
    noise = abs(percentile(first, 0.95) - percentile(second, 0.95))
    return results(stall, 1000 * percentile(stall.latencies, 0.95), 1000 * alone, 1000 * noise)


def results(stall: Stall, with_stalled: float, alone: float, noise: float) -> list[Result]:
    """The figures; latencies in milliseconds."""
    limit = FACTOR * alone + noise
    others = sum(code not in (TRY_LATER, None) for code in stall.codes)
    return [
        at_most("memory of a stalled subscriber", stall.kibibytes, "KiB", MEMORY_GOAL),
        told("memory of a subscriber that reads", stall.idle_kibibytes, "KiB"),
        at_most(f"until the last of {len(stall.codes)} was closed", stall.seconds, "s", CLOSED_GOAL),
        at_most("closed with another code than 1013", others, "sockets", 0.5),
        told("read again in time to hear 1013", stall.codes.count(TRY_LATER), "sockets"),
        Result(
            "a healthy one's p95 beside them",
            round(with_stalled, 2),
            "ms",
            f"alone: {alone:.2f} ms, measured twice with {noise:.2f} ms between",
            round(with_stalled / alone, 3),
            f"<= {FACTOR:g} x alone + {noise:.2f} ms",
            with_stalled <= limit,
        ),
    ]


async def stalled(scene: Scene, count: int, seconds: int) -> Stall:
    """Let ``count`` subscribers stop reading, take latencies meanwhile, and see them closed."""
    fanout.allow_files(2 * count + 500)
    before = scene.memory()
    crowd = await scene.subscribe(count, RECEIVE_BUFFER)
    idle = scene.memory()
    await scene.join()  # behind all of them
    for socket in crowd.sockets:
        socket.transport.pause_reading()
    started = time.perf_counter()
    await scene.fill()
    await scene.until_heard(FILL)
    taken = await scene.latencies(seconds)
    most = scene.memory()
    async with asyncio.timeout(2 * CLOSED_GOAL):
        while await scene.subscribers() > 1:
            most = max(most, scene.memory())
            await asyncio.sleep(0.1)
    took = time.perf_counter() - started
    for socket in crowd.sockets:  # who reads again in the few seconds of the farewell hears why
        socket.transport.resume_reading()
    async with asyncio.timeout(CLOSED_GOAL):
        while any(not socket.transport.is_closing() for socket in crowd.sockets):  # noqa: ASYNC110 - counted by callbacks
            await asyncio.sleep(0.01)
    return Stall((most - before) / count, (idle - before) / count, took, [s.closed for s in crowd.sockets], taken)


def api_process() -> psutil.Process:
    """The API process among our children."""
    return next(c for c in psutil.Process().children(recursive=True) if "api.main" in c.cmdline())


async def _nothing() -> None:
    return
