"""A tree of child processes that is started in order, kept running, and stopped in reverse order.

A child that ends is started again with back-off. A child gets its stop signals, then SIGKILL with its whole process
group; and it is told by the kernel when the supervisor itself is killed (see ``integrations.embedded.process``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cli.logs import ChildLog
from cli.running import ChildState
from integrations.embedded import Command
from integrations.embedded.process import die_with_parent

FIRST_DELAY = 0.1
LONGEST_DELAY = 10.0
FIRST_TRIES = 3  # a child that never was ready is given up after so many
STEADY_SECONDS = 10.0  # having run this long, a child begins anew with the shortest delay
POLL_SECONDS = 0.05
PIPE_SECONDS = 2.0

Say = Callable[[str, str], None]


class ChildFailed(RuntimeError):
    """A child did not get ready, or a step did not succeed. ``name``: which; the text ends with its last output."""

    def __init__(self, name: str, why: str, tail: str) -> None:
        super().__init__(f"{name} {why}:\n{tail}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep running.

    command: asked anew at every start. prepare: blocking work before every start. ready: whether the process with
    this pid answers (blocking, called in a thread); None = ready once started. quiet: its output goes to its log only.
    """

    name: str
    command: Callable[[], Command]
    prepare: Callable[[], None] | None = None
    ready: Callable[[int], bool] | None = None
    start_seconds: float = 120.0
    quiet: bool = False


@dataclass(slots=True)
class _Kept:
    child: Child
    log: ChildLog
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    was_ready: bool = False
    command: Command | None = None
    process: asyncio.subprocess.Process | None = None
    started: float = 0.0
    restarts: int = 0
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Owns the children. Use it in the main thread: children die with the thread that started them.

    logs: folder of the children's output. say(name, line): shows a line. changed(): called when a child starts or
    gets ready.
    """

    def __init__(self, logs: Path, *, say: Say, changed: Callable[[], None] = lambda: None) -> None:
        self._logs = logs
        self._say = say
        self._changed = changed
        self._kept: list[_Kept] = []
        self._hurry = asyncio.Event()

    async def keep(self, child: Child) -> None:
        """Start ``child`` and return when it is ready; from then on it is started again whenever it ends.

        Raises ChildFailed when it does not get ready in its time, however often it was tried.
        """
        kept = _Kept(child, ChildLog(self._logs / f"{child.name}.log", self._shower(child)))
        self._kept.append(kept)
        kept.task = asyncio.create_task(self._mind(kept), name=child.name)
        ready = asyncio.create_task(kept.ready.wait())
        await asyncio.wait({ready, kept.task}, timeout=child.start_seconds, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if kept.task.done():
            kept.task.result()
        if not kept.ready.is_set():
            raise ChildFailed(child.name, f"was not ready within {child.start_seconds:.0f} s", kept.log.tail())

    async def run(self, name: str, command: Command) -> None:
        """Run a step to its end; ChildFailed when it does not succeed."""
        kept = _Kept(Child(name, lambda: command), ChildLog(self._logs / f"{name}.log", self._say_as(name)))
        self._kept.append(kept)
        try:
            process = await self._start(kept)
            code = await process.wait()
            await self._end(kept)
            if code:
                raise ChildFailed(name, f"ended with {code}", kept.log.tail())
        finally:
            await self._end(kept)
            kept.log.close()
            self._kept.remove(kept)

    async def stop(self) -> None:
        """Stop every child, the last started first."""
        for kept in reversed(self._kept):
            if kept.task is not None:
                kept.task.cancel()
                await asyncio.wait({kept.task})
            await self._end(kept)
            kept.log.close()
        self._kept.clear()

    def hurry(self) -> None:
        """Stop without waiting for children to end by themselves."""
        self._hurry.set()

    def states(self) -> dict[str, ChildState]:
        """The children that run now."""
        return {
            kept.child.name: ChildState(kept.process.pid, kept.started, kept.ready.is_set(), kept.restarts)
            for kept in self._kept
            if kept.process is not None and kept.process.returncode is None
        }

    async def _mind(self, kept: _Kept) -> None:
        """Start, watch, and start again."""
        child, loop, delay = kept.child, asyncio.get_running_loop(), FIRST_DELAY
        while True:
            began = loop.time()
            try:
                if child.prepare is not None:
                    await asyncio.to_thread(child.prepare)
                process = await self._start(kept)
                watch = asyncio.create_task(self._watch(kept, process))
                try:
                    code: int | str = await process.wait()
                finally:
                    watch.cancel()
            except (OSError, RuntimeError) as error:
                code = str(error)
            kept.ready.clear()
            await self._end(kept)
            kept.restarts += 1
            if not kept.was_ready and kept.restarts == FIRST_TRIES:
                raise ChildFailed(
                    child.name, f"ended {FIRST_TRIES} times before it was ready ({code})", kept.log.tail()
                )
            delay = FIRST_DELAY if loop.time() - began > STEADY_SECONDS else min(2 * delay, LONGEST_DELAY)
            self._say(child.name, f"ended ({code}); starting again in {delay:.1f} s")
            self._changed()
            await asyncio.sleep(delay)

    async def _start(self, kept: _Kept) -> asyncio.subprocess.Process:
        kept.command = command = kept.child.command()
        process = await asyncio.create_subprocess_exec(
            *command.argv,
            env=dict(command.env),
            cwd=command.cwd,
            stdin=asyncio.subprocess.DEVNULL if command.stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            user=command.uid,
            group=command.gid,
            extra_groups=[] if command.uid is not None else None,
            preexec_fn=die_with_parent(command.stop[0]),
        )
        kept.process = process
        with contextlib.suppress(psutil.Error):
            kept.started = psutil.Process(process.pid).create_time()
        assert process.stdout is not None  # noqa: S101 - asked for above
        kept.log.follow(process.stdout)
        if command.stdin is not None and process.stdin is not None:
            process.stdin.write(command.stdin.encode())
            process.stdin.close()
        self._changed()
        return process

    async def _watch(self, kept: _Kept, process: asyncio.subprocess.Process) -> None:
        check = kept.child.ready
        while check is not None and not await asyncio.to_thread(check, process.pid):  # noqa: ASYNC110 - another process
            await asyncio.sleep(POLL_SECONDS)
        kept.was_ready = True
        kept.ready.set()
        self._changed()

    async def _end(self, kept: _Kept) -> None:
        """End the process if it still runs, then whatever is left of its group, and read its output to the end."""
        process, command = kept.process, kept.command
        if process is None or command is None:
            return
        for sig in command.stop:
            if process.returncode is not None or self._hurry.is_set():
                break
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(sig)
            await self._wait_ended(process, command.stop_seconds / len(command.stop))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await kept.log.drained(PIPE_SECONDS)
        kept.process = None

    async def _wait_ended(self, process: asyncio.subprocess.Process, seconds: float) -> None:
        ended, hurried = asyncio.create_task(process.wait()), asyncio.create_task(self._hurry.wait())
        await asyncio.wait({ended, hurried}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, hurried):
            task.cancel()

    def _shower(self, child: Child) -> Callable[[str], None] | None:
        return None if child.quiet else self._say_as(child.name)

    def _say_as(self, name: str) -> Callable[[str], None]:
        return lambda line: self._say(name, line)
