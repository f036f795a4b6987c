"""Worker processes that decode pictures, with a deadline: one that is late or dead is killed and replaced."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from domain.kernel.errors import Unavailable
from domain.kernel.pictures import PictureRefused
from integrations.surroundings import surroundings

log = structlog.get_logger(__name__)

_WORKER: Final = Path(__file__).with_name("worker.py")
_START_SECONDS: Final = 30.0
_ANSWER_BYTES: Final = 32 * 1024 * 1024
UPLOAD_BYTES: Final = 12 * 1024 * 1024
"""A photo as a phone takes it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What decoding one picture may take.

    content_bytes: as sent. pixels: by its header. edge: the longest edge kept, in pixels. quality: of the JPEG kept.
    memory_bytes: beyond what an idle worker uses. seconds: from handing it over to the answer.
    """

    content_bytes: int = 2 * 1024 * 1024
    pixels: int = 50_000_000
    edge: int = 1920
    quality: int = 85
    memory_bytes: int = 1024 * 1024 * 1024
    seconds: float = 5.0


class _Crashed(Exception):
    """The worker is gone."""


class Decoder:
    """``processes`` workers, started when first needed. ``recode`` waits for a free one."""

    def __init__(self, budget: Budget, *, processes: int = 2) -> None:
        self._budget = budget
        self._slots: asyncio.Queue[Process | None] = asyncio.Queue()
        for _ in range(processes):
            self._slots.put_nowait(None)
        self._workers: set[Process] = set()

    async def recode(self, content: bytes, longest: int) -> bytes:
        """The picture as our JPEG. ``longest``: its longest edge by its header.

        Raises PictureRefused ("damaged", "deadline", "crashed") and Unavailable when no worker can be started. It is
        tried twice before it is blamed for a crash: the worker may have been killed for another reason.
        """
        try:
            answer = await self._try(content, longest)
        except _Crashed:
            try:
                answer = await self._try(content, longest)
            except _Crashed:
                log.warning("picture.crashed", size=len(content))
                raise PictureRefused("crashed") from None
        if not answer:
            raise PictureRefused("damaged")
        return answer

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [worker.pid for worker in self._workers]

    async def close(self) -> None:
        """End the workers."""
        await asyncio.gather(*(self._kill(worker) for worker in list(self._workers)))

    async def _try(self, content: bytes, longest: int) -> bytes:
        worker = await self._slots.get()
        keep: Process | None = None
        try:
            if worker is None or worker.returncode is not None:
                worker = await self._spawn()
            async with asyncio.timeout(self._budget.seconds):
                answer = await _exchange(worker, longest.to_bytes(4) + content)
            keep = worker
            return answer
        except TimeoutError:
            log.warning("picture.deadline", size=len(content))
            raise PictureRefused("deadline") from None
        except (EOFError, OSError) as error:
            raise _Crashed from error
        finally:
            self._slots.put_nowait(keep)
            if worker is not None and keep is None:
                await self._kill(worker)

    async def _spawn(self) -> Process:
        budget = self._budget
        limits = map(str, (budget.pixels, budget.edge, budget.quality, budget.memory_bytes))
        try:
            worker = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(_WORKER), *limits,
                stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=surroundings(), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            log.exception("picture.no_worker")
            raise Unavailable from error
        self._workers.add(worker)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await _read_frame(worker)
        except (EOFError, OSError, TimeoutError) as error:
            await self._kill(worker)
            log.exception("picture.no_worker")
            raise Unavailable from error
        except asyncio.CancelledError:
            await self._kill(worker)
            raise
        return worker

    async def _kill(self, worker: Process) -> None:
        self._workers.discard(worker)
        with suppress(ProcessLookupError):
            worker.kill()
        if worker.stdin is not None:
            worker.stdin.close()
        await worker.wait()


async def _exchange(worker: Process, frame: bytes) -> bytes:
    assert worker.stdin is not None  # noqa: S101  # it was opened as a pipe
    worker.stdin.write(len(frame).to_bytes(4) + frame)
    await worker.stdin.drain()
    return await _read_frame(worker)


async def _read_frame(worker: Process) -> bytes:
    assert worker.stdout is not None  # noqa: S101  # it was opened as a pipe
    length = int.from_bytes(await worker.stdout.readexactly(4))
    if length > _ANSWER_BYTES:
        raise EOFError("a worker that answers nonsense is as good as dead")
    return await worker.stdout.readexactly(length)
