"""Counts every place where a coroutine of a process lets go of the processor, and ends the process at one of them.

That is where a kill meets a process that waits: a statement may be on its way, done and not heard of, or not yet sent.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any


class Suspensions:
    """Of all tasks of a loop, from ``arm`` on. kill_at: the one at which the process dies; 0 = it lives."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at = kill_at
        self.seen = 0
        self.armed = False

    def arm(self) -> None:
        """Begin to count."""
        self.armed = True

    def happen(self) -> None:
        """One more."""
        if not self.armed:
            return
        self.seen += 1
        if self.seen == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def factory(self, loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        """For ``set_task_factory``."""
        return asyncio.Task(Watched(work, self), loop=loop, **more)


class Watched(Coroutine[Any, Any, Any]):
    """A coroutine whose suspensions are counted."""

    def __init__(self, work: Coroutine[Any, Any, Any], suspensions: Suspensions) -> None:
        self._work = work
        self._suspensions = suspensions

    def __await__(self) -> Any:
        """Counted only at the outermost coroutine, which is a task's."""
        return self._work.__await__()

    def send(self, value: Any) -> Any:
        """Go on until the next suspension."""
        waiting = self._work.send(value)
        self._suspensions.happen()
        return waiting

    def throw(self, *error: Any) -> Any:
        """Go on with an error."""
        waiting = self._work.throw(*error)
        self._suspensions.happen()
        return waiting

    def close(self) -> None:
        """End it."""
        self._work.close()
