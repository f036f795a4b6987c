"""Small child processes for tests of the supervisor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from integrations.embedded import Command


def script(source: str, *arguments: object, stop_seconds: float = 10.0) -> Command:
    """A Python process that runs ``source`` with ``arguments``; starts in a few hundredths of a second."""
    return Command(
        argv=(sys.executable, "-u", "-I", "-S", "-c", source, *map(str, arguments)),
        env={"PATH": os.environ["PATH"]},
        stop_seconds=stop_seconds,
    )


def alive(pid: int) -> bool:
    """Whether ``pid`` runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False
