"""The output of child processes: into a file that cannot grow without end, and line by line to whoever shows it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

CHUNK = 65536
ROTATE_BYTES = 16 << 20
TAIL_BYTES = 4000
LONGEST_LINE = 8192


class ChildLog:
    """Output of one child: appended to ``path``, moved to ``path``.1 at ROTATE_BYTES; lines go to ``show``."""

    def __init__(self, path: Path, show: Callable[[str], None] | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._show = show
        self._file: io.FileIO = path.open("ab", buffering=0)
        self._from = self._file.tell()
        self._lost = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, stream: asyncio.StreamReader) -> None:
        """Read ``stream`` until it ends, in the background."""
        task = asyncio.create_task(self._read(stream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drained(self, seconds: float) -> None:
        """Wait until everything followed has ended; give up after ``seconds``, when a grandchild holds the pipe."""
        if self._tasks:
            _, left = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in left:
                task.cancel()

    def tail(self) -> str:
        """The end of what this child said since the log was opened."""
        with self._path.open("rb") as file:
            file.seek(max(min(self._from, self._path.stat().st_size), self._path.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").strip()

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(CHUNK):
            self._write(chunk)
            if self._show is not None:
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._show(line.decode(errors="replace").rstrip("\r"))
        if rest and self._show is not None:
            self._show(rest.decode(errors="replace"))

    def _write(self, chunk: bytes) -> None:
        """A full disk costs lines, never the child: one that is not read blocks at its next line and answers nobody."""
        try:
            if self._lost:
                self._file.write(b"\n... %d bytes are missing here: they could not be written\n" % self._lost)
                self._lost = 0
            self._lost += len(chunk) - self._file.write(chunk)
            if self._file.tell() > ROTATE_BYTES:
                self._file.close()
                self._path.rename(self._path.with_name(self._path.name + ".1"))
                self._file = self._path.open("ab", buffering=0)
                self._from = 0
        except (OSError, ValueError):  # ValueError: closed, as it could not be opened anew
            self._lost += len(chunk)
            if self._file.closed:
                with suppress(OSError):
                    self._file = self._path.open("ab", buffering=0)
