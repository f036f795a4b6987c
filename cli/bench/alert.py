"""`zhian bench alert`: from a device's push to a subscriber's frame, and one alert to two thousand sockets.

A busy county centre: 200 records a second arrive, two of them raise an alert, 200 people have the alert feed
open. Latency is taken from the first byte of the push to the last byte of each subscriber's frame, in one process that
holds all clients. Fan-out is held against a bare Starlette broadcast of the same bytes in the same run.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import orjson
from sqlalchemy import insert

from cli.bench import fanout, http_load
from cli.bench.crowd import Crowd
from cli.bench.report import Result, at_most, told
from cli.bench.stage import Stage, free_port, stage
from domain.identity.models import Account, RoleGrant
from domain.identity.sessions.service import start_session
from domain.kernel.actor import Level, Role, Scope, system_actor
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens

SUBSCRIBERS, CROWD = 200, 2_000
EVENTS_PER_SECOND, ALERTS_PER_SECOND = 200, 2
P50_GOAL, P99_GOAL = 25.0, 120.0
PUSHERS = 64
FEED = """
subscription Alerts { alertFeed { cursor change at alert {
  id kind severity state place raisedAt explanation { rule text } } } }
"""


async def measure(*, quick: bool) -> list[Result]:
    """Latency under load, then fan-out."""
    seconds = 12 if quick else 60
    alerts = seconds * ALERTS_PER_SECOND
    fanouts = 10 if quick else 20
    async with stage(devices=alerts + 4 * fanouts + 60) as built:
        token = await operator_token(built)
        async with built.process("api.main", port=built.port):
            taken = await latencies(built, token, seconds)
            spread = await fan_out(built, token, alerts, rounds=fanouts)
    ordered = sorted(taken)
    return [
        at_most("push to frame, p50", 1000 * percentile(ordered, 0.50), "ms", P50_GOAL),
        at_most("push to frame, p99", 1000 * percentile(ordered, 0.99), "ms", P99_GOAL),
        told("frames", len(ordered), "frames"),
        told(f"bare broadcast to {spread.sockets} sockets", 1000 * spread.bare, "ms"),
        Result(
            f"one alert to {spread.sockets} sockets",
            round(1000 * spread.served, 1),
            "ms",
            f"bare Starlette broadcast of the same {spread.frame_bytes} bytes: {1000 * spread.bare:.1f} ms",
            round(spread.ratio, 3),
            f"<= {fanout.GOAL:g}",
            spread.ratio <= fanout.GOAL,
        ),
    ]


def percentile(ordered: list[float], part: float) -> float:
    """The value below which ``part`` of ``ordered`` lies."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


async def operator_token(built: Stage) -> str:
    """An access token of a county operator of the stage."""
    async with built.database.unit_of_work(system_actor(Scope(counties=(built.county,)))) as uow:
        account = insert(Account).values(phone_index=b"bench", phone_sealed=b"bench", name="压测值班员", language="en")
        account_id = (await uow.session.execute(account.returning(Account.id))).scalar_one()
        grant = {"account_id": account_id, "role": Role.COUNTY_OPERATOR, "area_id": built.county, "level": Level.COUNTY}
        await uow.session.execute(insert(RoleGrant).values(county_id=built.county, **grant))
        session = await start_session(uow, account_id, 1, "bench")
        now = uow.now
    tokens = AccessTokens(SigningKeys(built.settings.key_dir), issuer=built.settings.public_url)
    token, _ = tokens.issue(account_id=account_id, session_id=session.session_id, token_version=1, now=now)
    return token


def body(kind: str, key: str, data: dict[str, Any]) -> bytes:
    """One message of the contract."""
    return orjson.dumps({"id": key, "type": kind, "data": data})


async def latencies(built: Stage, token: str, seconds: int) -> list[float]:
    """Seconds from push to frame, of every alert at every subscriber."""
    pushed: list[float] = []
    taken: list[float] = []

    def frame(number: int) -> None:
        taken.append(time.perf_counter() - pushed[number])

    crowd = await subscribe(built, token, SUBSCRIBERS, frame)
    try:
        await load(built, seconds, pushed)
        async with asyncio.timeout(10):
            while len(taken) < SUBSCRIBERS * len(pushed):  # noqa: ASYNC110 - frames are counted by callbacks
                await asyncio.sleep(0.01)
    finally:
        crowd.close()
    return taken


async def subscribe(built: Stage, token: str, count: int, on_frame: Callable[[int], None]) -> Crowd:
    """``count`` subscribers of the alert feed; each calls ``on_frame`` with the number of the alert it received."""
    subscription = fanout.Subscription(built.port, FEED, {}, f"Bearer {token}", _nothing)
    crowd = await fanout.subscribed(subscription, count)
    for socket in crowd.sockets:
        numbers = itertools.count()

        def heard(payload: bytes, numbers: Iterator[int] = numbers) -> None:
            if b'"next"' in payload[:80]:
                on_frame(next(numbers))

        socket.on_frame = heard
    return crowd


async def _nothing() -> None:
    return


async def load(built: Stage, seconds: int, pushed: list[float]) -> None:
    """Open-loop arrivals: records at their own times, whether or not earlier ones have been answered."""
    total, seeded = seconds * EVENTS_PER_SECOND, random.Random(20200101)  # noqa: S311 - spreads arrivals
    every = EVENTS_PER_SECOND // ALERTS_PER_SECOND
    quiet, loud = built.devices[:60], iter(built.devices[60:])
    at = time.perf_counter()
    async with http_load.Pool(built.port, PUSHERS) as pool:
        for number in range(total):
            at += seeded.expovariate(EVENTS_PER_SECOND)
            if (wait := at - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if number % every == every - 1:
                device, said = next(loud), body("sensor", f"a{number}", {"smoke": True})
                pushed.append(time.perf_counter())
            else:
                device = quiet[number % len(quiet)]
                said = body("passage", f"p{number}", {"decision": "granted", "method": "card", "card_no": str(number)})
            pool.send(http_load.request("/devices/events", built.port, device.secret.credential, said))
    if pool.failed:
        raise RuntimeError(f"{pool.failed} pushes were not acknowledged")


async def fan_out(built: Stage, token: str, used: int, *, rounds: int) -> fanout.FanOut:
    """One alert to two thousand sockets, against the bare broadcast."""
    devices = iter(built.devices[60 + used :])

    async def trigger() -> None:
        device = next(devices)
        said = body("sensor", f"f{device.id}", {"smoke": True})
        request = http_load.request("/devices/events", built.port, device.secret.credential, said)
        await http_load.run([request], port=built.port, connections=1)

    bare = free_port()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(built.process("cli.bench.bare", str(bare), port=bare))
        subscription = fanout.Subscription(built.port, FEED, {}, f"Bearer {token}", trigger)
        return await fanout.measure(subscription, bare_port=bare, sockets=CROWD, rounds=rounds)
