"""Asks the zygote for processes that die."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.factories.patience import PATIENCE

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """How a process ended. said: its words until then. seen: how often it waited, when it lived."""

    said: list[str]
    killed: bool
    seen: int | None


class Mortals:
    """Makes processes, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def live(self, act: str, *, kill_at: int = 0, **asked: Any) -> Ended:
        """A process that does ``act`` until it is done, or until it waits for the ``kill_at``-th time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"act": act, "kill_at": kill_at} | asked).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            await self._process.stdin.drain()
            answer = json.loads(await self._process.stdout.readline())
        assert not answer["failed"], answer["said"]
        return Ended(answer["said"], answer["killed"], answer["seen"])


@asynccontextmanager
async def mortals() -> AsyncIterator[Mortals]:
    """A zygote of its own, ended with the context."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.dying.zygote", cwd=ROOT, env=environment | {"PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield Mortals(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
