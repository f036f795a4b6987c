"""One server process: what to run, as whom, how it is stopped, and that it never outlives its owner."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.02

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be prepared or started; the text begins with a CODE."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run.

    env: the whole environment. uid, gid: run as, None = as ourselves. stop: signals to send in turn, each with its
    share of ``stop_seconds``, before SIGKILL; the first is also sent when our own process dies (Linux). stdin: text
    to hand over, for what must not stand in arguments or files.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    uid: int | None = None
    gid: int | None = None
    cwd: Path = field(default_factory=lambda: Path("/"))
    stop: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    stop_seconds: float = 10.0
    stdin: str | None = None


def die_with_parent(sig: signal.Signals) -> Callable[[], None]:
    """A function to run in the new process (Linux): get ``sig`` when the thread that started it ends."""
    parent = os.getpid()

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return ask


def launch(command: Command, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start ``command`` in its own session, so that Ctrl-C reaches its owner only; both streams go to ``output``."""
    process = subprocess.Popen(  # noqa: S603 - our own argument list
        command.argv,
        env=dict(command.env),
        cwd=command.cwd,
        stdin=subprocess.PIPE if command.stdin is not None else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=command.uid,
        group=command.gid,
        extra_groups=[] if command.uid is not None else None,
        preexec_fn=die_with_parent(command.stop[0]),  # noqa: PLW1509 - one prctl, in a process that owns no threads
    )
    if command.stdin is not None and process.stdin is not None:
        process.stdin.write(command.stdin.encode())
        process.stdin.close()
    return process


class Running:
    """A started command, for owners that wait in place (tests, short commands)."""

    def __init__(self, command: Command, log: Path) -> None:
        self.command = command
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self.process = launch(command, output)

    def wait_ready(self, ready: Callable[[int], bool], seconds: float) -> None:
        """Return when ``ready(pid)``; EmbeddedServerError with the end of the log when it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready(self.process.pid):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = self.log.read_text(errors="replace")[-2000:]
                raise EmbeddedServerError(f"SERVER_NOT_STARTED: {self.command.argv[0]} does not answer:\n{tail}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop it: each of the stop signals in turn, then SIGKILL."""
        for sig in self.command.stop:
            if self.process.poll() is None:
                self.process.send_signal(sig)
            try:
                self.process.wait(self.command.stop_seconds / len(self.command.stop))
            except subprocess.TimeoutExpired:
                continue
            return
        self.process.kill()
        self.process.wait()
