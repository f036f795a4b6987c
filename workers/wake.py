"""The wake-up: news of the outbox becomes one arq job that drains it. Nothing is true here; losing it costs a second.

What is done about arq's traps: results are not kept (a kept one blocks its id), a job's id carries its sender (a killed
worker's in-progress key blocks only its own wake-ups), jobs expire in seconds, run once, are JSON and not pickle, and
when Valkey goes away ``run`` raises and is started again by the loop that owns it, while the sweeper goes on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import orjson
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool

from domain.kernel.uow import News
from workers.relay import Relay

QUEUE = "zhian:wake"
JOB = "relay"
EXPIRES = timedelta(seconds=10)
JOB_SECONDS = 20
ANSWER_SECONDS = 5.0
MOST_PER_JOB = 500

Listen = Callable[[], AbstractAsyncContextManager[AsyncIterator[News]]]


class Waker:
    """Listens to the news channel, enqueues, and works the queue of all workers' wake-ups.

    url: Valkey. listen: opens a subscription to the news. ``started`` is set while wake-ups are taken.
    """

    def __init__(self, url: str, relay: Relay, listen: Listen, *, poll: float = 0.05) -> None:
        self.url = url
        self.relay = relay
        self.listen = listen
        self.poll = poll
        self.started = asyncio.Event()
        self._job_id = f"{JOB}:{secrets.token_hex(6)}"
        self._rung = False

    async def run(self) -> None:
        """Take wake-ups until cancelled. Raises when Valkey does not answer or goes away."""
        pool = ConnectionPool.from_url(
            self.url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS, max_connections=20
        )
        redis = ArqRedis(
            pool,
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            default_queue_name=QUEUE,
            expires_extra_ms=int(EXPIRES.total_seconds() * 1000),
        )
        worker = self._worker(redis)
        try:
            await redis.ping()
            async with self.listen() as news, asyncio.TaskGroup() as group:
                group.create_task(worker.async_run())
                group.create_task(self._enqueue(redis, news))
                self.started.set()
        finally:
            self.started.clear()
            for task in worker.tasks.values():
                task.cancel()
            await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
            await redis.aclose()
            await pool.aclose()

    def _worker(self, redis: ArqRedis) -> Worker:
        return Worker(
            functions=[func(self._drain, name=JOB, keep_result=0, timeout=JOB_SECONDS, max_tries=1)],
            queue_name=QUEUE,
            redis_pool=redis,
            handle_signals=False,
            max_jobs=2,
            job_timeout=JOB_SECONDS,
            keep_result=0,
            poll_delay=self.poll,
            max_tries=1,
            retry_jobs=False,
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            log_results=False,
        )

    async def _enqueue(self, redis: ArqRedis, news: AsyncIterator[News]) -> None:
        async for item in news:
            if "outbox" in item.topics:
                self._rung = True
                await redis.enqueue_job(JOB, _job_id=self._job_id, _expires=EXPIRES)
        raise ConnectionError("the news channel ended")

    async def _drain(self, ctx: dict[Any, Any], *_: Any, **__: Any) -> int:
        """The job. News that arrives while it runs is not enqueued again (same id), so it looks once more."""
        worked, again = 0, True
        while again and worked < MOST_PER_JOB:
            self._rung = False
            worked += await self.relay.drain(most=MOST_PER_JOB)
            again = self._rung
        return worked
