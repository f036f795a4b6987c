"""The wake-up: news of the outbox becomes one arq job that drains it. Nothing is true here; losing it costs a second.

What is done about arq's traps: results are not kept (a kept one blocks its id), a job's id carries its sender (a killed
worker's in-progress key blocks only its own wake-ups), jobs expire in seconds, run once, are JSON and not pickle, and
when Valkey goes away ``run`` raises and is started again by the loop that owns it, while the sweeper goes on.
"""

from __future__ import annotations

import asyncio
import secrets
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
DRAIN_SECONDS, JOB_SECONDS = 10.0, 45  # the last batch begun may take as long as its lease
ANSWER_SECONDS = 5.0
FINISH_SECONDS = 3.0
CANCEL_AGAIN = 0.2
MOST_PER_JOB = 500


class Waker:
    """Turns news into jobs and works the queue of all workers' jobs.

    ``on_news`` belongs into the news channel of this process. ``started`` is set while jobs are taken.
    """

    def __init__(self, url: str, relay: Relay, *, poll: float = 0.05) -> None:
        self.url = url
        self.relay = relay
        self.poll = poll
        self.started = asyncio.Event()
        self._job_id = f"{JOB}:{secrets.token_hex(6)}"
        self._bell = asyncio.Event()
        self._rung = False
        self._closing = False

    def on_news(self, news: News) -> None:
        """Something was committed; when it is for the outbox, ask for a job."""
        if "outbox" in news.topics:
            self._rung = True
            self._bell.set()

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
        tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        try:
            await redis.ping()
            tasks = {asyncio.create_task(worker.main()), asyncio.create_task(self._enqueue(redis))}
            self.started.set()
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.started.clear()
            await self._close(worker, tasks)
            await redis.aclose()
            await pool.aclose()

    async def _close(self, worker: Worker, tasks: set[asyncio.Task[None]]) -> None:
        """Let jobs and commands in flight end by themselves: a cancelled command leaves its connection in disorder.

        After FINISH_SECONDS cancel, again and again, as a cancellation inside a command may go unheard.
        """
        worker.allow_pick_jobs = False
        self._closing = True
        self._bell.set()
        in_flight = set(worker.tasks.values())
        if in_flight:
            await asyncio.wait(in_flight, timeout=FINISH_SECONDS)
        await asyncio.sleep(2 * self.poll)
        left = {task for task in tasks | set(worker.tasks.values()) if not task.done()}
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN)
        await asyncio.gather(*tasks, *in_flight, return_exceptions=True)

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

    async def _enqueue(self, redis: ArqRedis) -> None:
        while True:
            await self._bell.wait()
            if self._closing:
                return
            self._bell.clear()
            await redis.enqueue_job(JOB, _job_id=self._job_id, _expires=EXPIRES)

    async def _drain(self, ctx: dict[Any, Any], *_: Any, **__: Any) -> int:
        """The job. News that arrives while it runs is not enqueued again (same id), so it looks once more.

        What is left after ``DRAIN_SECONDS`` is the sweeper's: a job that outlives its time is cut down in its work.
        """
        loop = asyncio.get_running_loop()
        worked, until = 0, loop.time() + DRAIN_SECONDS
        while worked < MOST_PER_JOB and loop.time() < until:
            self._rung = False
            claimed = await self.relay.run_once()
            if not claimed and not self._rung:
                break
            worked += claimed
        return worked
