"""The recorder: takes messages from every channel and answers when they are committed.

Group commit: messages wait in a queue per flusher, a flusher takes up to 500 records at once and commits them together;
every caller waits for its own commit. A device always goes to the same flusher, so its messages keep their order: also
when a commit fails, as callers hear of it, and may take back what is behind it, before the next one begins.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import orjson
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.identity.ports import Vault
from domain.kernel.clock import Clock, system_clock
from domain.kernel.uow import Wake, no_wake, transaction
from domain.security.devices.directory import DeviceDirectory, DeviceRef
from domain.security.devices.liveness import LivenessMemory
from domain.security.devices.observation import EventKind, Message, Reason, Rejection
from domain.security.events.flush import Flushed, flush
from domain.security.events.rows import Counts, Row, Submission, row_of

log = structlog.get_logger(__name__)

MOST_RECORDS = 500
FLUSHERS = 2
QUEUE = 20_000
BLOCK = 1_000
TURNS = 3  # of the loop, until a caller has heard of a failure and cancelled what it sent behind


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, after its commit. ``rows`` are its observations in order."""

    counts: Counts
    rows: tuple[Row, ...]


class IdBlocks:
    """Gives out ids of events, sightings and raw messages in blocks of a thousand, one round trip each."""

    def __init__(self) -> None:
        self._blocks: deque[range] = deque()
        self._left = 0
        self._ids: Iterator[int] = iter(())

    async def ensure(self, connection: AsyncConnection, most: int) -> None:
        """Make sure that ``most`` ids can be taken without another round trip."""
        while self._left < most:
            start = (await connection.execute(text("select nextval('ingest_id')"))).scalar_one()
            self._blocks.append(range(start, start + BLOCK))
            self._left += BLOCK

    def take(self) -> int:
        """The next id."""
        self._left -= 1
        taken = next(self._ids, None)
        while taken is None:
            self._ids = iter(self._blocks.popleft())
            taken = next(self._ids, None)
        return taken


Waiting = tuple[Submission, "asyncio.Future[None]"]


class Recorder:
    """Records messages durably. ``start`` it before, ``stop`` it after; ``record`` waits for the commit."""

    def __init__(
        self,
        engine: AsyncEngine,
        directory: DeviceDirectory,
        vault: Vault,
        *,
        wake: Wake = no_wake,
        clock: Clock = system_clock,
        flushers: int = FLUSHERS,
    ) -> None:
        self.engine = engine
        self._directory = directory
        self._vault = vault
        self._wake = wake
        self._clock = clock
        self._queues: list[asyncio.Queue[Waiting]] = [asyncio.Queue(QUEUE) for _ in range(flushers)]
        self._memory = LivenessMemory()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin flushing."""
        self._tasks = [asyncio.create_task(self._flusher(queue)) for queue in self._queues]

    async def stop(self) -> None:
        """Flush what waits, then end."""
        await asyncio.gather(*(queue.join() for queue in self._queues))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def record(
        self, device: DeviceRef, message: Message, *, channel: str, sources: dict[str, DeviceRef | None] | None = None
    ) -> Outcome:
        """Store ``message`` of ``device`` and wait for the commit; raises when it could not be stored.

        ``sources``: the devices behind a hub by the hub's names for them; a name without a device is quarantined.
        Cancelled before its flush has begun, nothing is stored.
        """
        submission = self._submission(device, message, channel, sources or {})
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._queues[device.id % len(self._queues)]
        if queue.full():
            await queue.put((submission, done))
        else:
            queue.put_nowait((submission, done))
        await done
        return Outcome(submission.counts, tuple(submission.rows))

    def _submission(
        self, device: DeviceRef, message: Message, channel: str, sources: dict[str, DeviceRef | None]
    ) -> Submission:
        now = self._clock()
        submission = Submission(device, message, channel, now, [], [], Counts())
        for record in message.records:
            if isinstance(record, Rejection):
                submission.rejections.append((device, record))
                continue
            speaker = device if record.source is None else sources.get(record.source)
            if speaker is None:
                rejection = Rejection(Reason.UNKNOWN_SOURCE, f"no device {record.source!r} behind this hub")
                submission.rejections.append((device, rejection))
            else:
                submission.rows.append(row_of(speaker, record, now, self._vault))
        return submission

    async def _flusher(self, queue: asyncio.Queue[Waiting]) -> None:
        ids = IdBlocks()
        while True:
            batch = [await queue.get()]
            await asyncio.sleep(0)  # what arrived in the same turn of the loop comes along: a commit of its own costs
            records = batch[0][0].size
            while records < MOST_RECORDS and not queue.empty():
                batch.append(queue.get_nowait())
                records += batch[-1][0].size
            try:
                await self._commit([waiting for waiting in batch if not waiting[1].cancelled()], ids)
            except Exception as error:
                log.exception("flusher_failed", messages=len(batch))
                _fail(batch, error)
            except BaseException:
                _fail(batch, ConnectionError("the recorder is stopping"))
                raise
            finally:
                for _ in batch:
                    queue.task_done()

    async def _commit(self, batch: Sequence[Waiting], ids: IdBlocks) -> bool:
        """Commit ``batch``; a record the database refuses is found by halving and quarantined alone.

        False when the rest of it could not be stored.
        """
        if not batch:
            return True
        try:
            flushed = await self._flush([submission for submission, _ in batch], ids)
        except Exception as error:
            if not is_bad_value(error):
                log.exception("flush_failed", messages=len(batch))
                await _refuse(batch, error)
                return False
            if len(batch) == 1:
                return await self._set_aside(batch[0], ids, error)
            half = len(batch) // 2
            if await self._commit(batch[:half], ids):
                return await self._commit(batch[half:], ids)
            await _refuse(batch[half:], error)
            return False
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)
            if flushed.topics:
                await self._wake(flushed.news())
            return True

    async def _set_aside(self, waiting: Waiting, ids: IdBlocks, error: Exception) -> bool:
        """Quarantine a message whose content the database refuses; its raw bytes are kept."""
        submission, done = waiting
        log.warning("record_refused", device=submission.device.id)
        rejection = Rejection(Reason.BAD_VALUE, f"the database refuses a value ({type(error).__name__})")
        submission.rejections += [(row.device, rejection) for row in submission.rows]
        submission.rows.clear()
        try:
            await self._flush([submission], ids)
        except Exception as second:
            log.exception("quarantine_failed", device=submission.device.id)
            await _refuse([waiting], second)
            return False
        if not done.done():
            done.set_result(None)
        return True

    async def _flush(self, batch: Sequence[Submission], ids: IdBlocks) -> Flushed:
        compounds = {row.device.compound_id for submission in batch for row in submission.rows}
        await self._vault.ready(compounds | {submission.device.compound_id for submission in batch})
        scope = replace(await self._directory.scope(), compounds=tuple(compounds))
        async with transaction(self.engine, scope) as connection:
            await ids.ensure(connection, sum(ids_needed(submission) for submission in batch))
            for submission in batch:
                submission.raw_id = ids.take()
                for row in submission.rows:
                    row.raw_id, row.stored, row.observation.state = submission.raw_id, False, row.state
            return await flush(
                connection, batch, vault=self._vault, now=self._clock(), next_id=ids.take, memory=self._memory
            )


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    """Tell every caller of ``batch`` that its message is not stored."""
    for _, done in batch:
        if not done.done():
            done.set_exception(error)


async def _refuse(batch: Sequence[Waiting], error: Exception) -> None:
    """Fail ``batch`` and give its callers the time to cancel what they sent behind it."""
    _fail(batch, error)
    for _ in range(TURNS):
        await asyncio.sleep(0)


def is_bad_value(error: BaseException) -> bool:
    """The content of a row is refused: by JSON, or by the database (SQLSTATE class 22, data exception, or 23)."""
    if isinstance(error, orjson.JSONEncodeError):
        return True
    if isinstance(error, DBAPIError):
        return not error.connection_invalidated and is_bad_value(error.orig) if error.orig else False
    return str(getattr(error, "sqlstate", None) or "")[:2] in ("22", "23")


def ids_needed(submission: Submission) -> int:
    """At most so many ids: the raw message, per record an event and a sighting, per tag read two visits."""
    tags = sum(row.observation.kind is EventKind.TAG_READ for row in submission.rows)
    return 1 + 2 * len(submission.rows) + 6 * tags
