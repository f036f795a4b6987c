"""Allowances that are spent by cost, the same in every process: one key per subject in Valkey, one round trip (GCRA).

The key holds the instant at which the allowance will be full again, by Valkey's clock, and is gone when it is full.
Costs that come while others are on their way go together, so that a rush makes fewer round trips, not more. While
Valkey is away each process counts by itself: nobody is let through unlimited, nobody is shut out, and nobody waits.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

log = structlog.get_logger(__name__)

PREFIX = "zhian:spent:"
ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 1.0
MOST_AT_ONCE = 500
MOST_SUBJECTS = 50_000

# KEYS[1]: the subject. ARGV: what the cost takes to come back, and what the whole allowance takes, in microseconds.
# Answers how long to wait, 0 when the cost was booked.
SCRIPT = """
local at = redis.call('TIME')
local now = at[1] * 1000000 + at[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + ARGV[1]
local wait = full - now - ARGV[2]
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A cost on its way; ``answer`` is the seconds to wait, None when Valkey did not say."""

    key: str
    cost: str
    whole: str
    answer: asyncio.Future[float | None]


class Spending:
    """Books costs. ``url`` None = no Valkey: this process counts by itself.

    local: how many costs were booked or refused here because Valkey was away.
    """

    def __init__(self, url: str | None, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._tick = tick
        self._here = LocalSpending(tick)
        self._client: Redis | None = None
        self._asked: list[_Asked] = []
        self._task: asyncio.Task[None] | None = None
        self._try_at = 0.0
        self.away = False
        self.local = 0
        if url is not None:
            self._client = Redis.from_url(url, client_name="zhian-spending", socket_connect_timeout=ANSWER_SECONDS)
            self._sha = self._client.register_script(SCRIPT).sha

    async def spend(self, subject: str, cost: int, *, per_second: float, burst: float) -> float:
        """Book ``cost`` on ``subject``: 0, or the seconds after which there will be enough; then nothing was booked.

        ``burst`` is the whole allowance, of which ``per_second`` comes back; a cost beyond it takes all there is.
        """
        cost = min(cost, int(burst))
        if self._client is not None:
            if self.away:
                self._look_again(self._client)
            else:
                wait = await self._shared(self._client, subject, cost, per_second, burst)
                if wait is not None:
                    return wait
            self.local += 1
        return self._here.spend(subject, cost, per_second=per_second, burst=burst)

    async def close(self) -> None:
        """Give the connection back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._client is not None:
            with suppress(RedisError, OSError):
                await self._client.aclose()

    async def _shared(self, client: Redis, subject: str, cost: int, per_second: float, burst: float) -> float | None:
        micro = 1_000_000 / per_second
        answer: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(PREFIX + subject, str(round(cost * micro)), str(round(burst * micro)), answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send(client))
        return await answer

    async def _send(self, client: Redis) -> None:
        """Ask for all that waits, and for what has come meanwhile, until nothing waits."""
        while self._asked:
            batch, self._asked = self._asked[:MOST_AT_ONCE], self._asked[MOST_AT_ONCE:]
            answers: list[int] = []
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    answers = await self._ask(client, batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, we count by ourselves
                self._lost(error)
            finally:  # nobody is left waiting, not even when this task is cancelled
                batch, self._asked = (batch, self._asked) if answers else (batch + self._asked, [])
                for number, asked in enumerate(batch):
                    if not asked.answer.done():
                        asked.answer.set_result(answers[number] / 1_000_000 if answers else None)

    async def _ask(self, client: Redis, batch: list[_Asked]) -> list[int]:
        for _ in range(2):
            async with client.pipeline(transaction=False) as pipeline:
                for asked in batch:
                    pipeline.evalsha(self._sha, 1, asked.key, asked.cost, asked.whole)
                answers = await pipeline.execute(raise_on_error=False)
            if not any(isinstance(answer, NoScriptError) for answer in answers):
                break
            await client.script_load(SCRIPT)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return [int(answer) for answer in answers]

    def _lost(self, error: Exception) -> None:
        self.away, self._try_at = True, self._tick() + PAUSE_SECONDS
        log.warning("spending.local", error=type(error).__name__)

    def _look_again(self, client: Redis) -> None:
        """Find out, beside all requests, whether Valkey is back."""
        if self._tick() >= self._try_at and (self._task is None or self._task.done()):
            self._try_at = self._tick() + PAUSE_SECONDS
            self._task = asyncio.create_task(self._probe(client))

    async def _probe(self, client: Redis) -> None:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await client.script_load(SCRIPT)
            self.away = False
            log.info("spending.shared")


class LocalSpending:
    """The same rule in memory, for one process; the subjects that spent longest ago are forgotten first."""

    def __init__(self, tick: Callable[[], float], most: int = MOST_SUBJECTS) -> None:
        self._tick = tick
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def spend(self, subject: str, cost: int, *, per_second: float, burst: float) -> float:
        """See ``Spending.spend``."""
        now = self._tick()
        full = max(self._full_at.get(subject, 0.0), now) + cost / per_second
        wait = full - now - burst / per_second
        if wait > 1e-6:
            return wait
        self._full_at[subject] = full
        self._full_at.move_to_end(subject)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return 0.0
