"""When a server looks for garbage: among young objects as always, among all of them only now and then.

A full collection of CPython walks every object while everybody waits. Two thousand open sockets are half a million
objects: 0.2 to 0.6 s, and one came with every quarter that joined (measured by ``gc.callbacks``). Nearly everything
here is freed by its count of references; what hangs together in circles, as closed connections do, waits until the next
sweep. What was loaded before serving is never garbage and is not walked at all.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOOK_SECONDS, SWEEP_SECONDS = 10.0, 300.0
GROWTH = 2.0
NEVER = 2**31 - 1


def due(blocks: int, after_last: int, seconds: float) -> bool:
    """Whether to sweep: ``blocks`` of memory now and after the last sweep, ``seconds`` ago."""
    return seconds >= SWEEP_SECONDS or blocks >= GROWTH * after_last


@asynccontextmanager
async def swept() -> AsyncIterator[None]:
    """Collect by ``due`` instead of by the interpreter's own rule, for a process that is ready to serve."""
    young, middle, old = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, middle, NEVER)
    sweeping = asyncio.create_task(_sweep())
    try:
        yield
    finally:
        sweeping.cancel()
        gc.set_threshold(young, middle, old)
        gc.unfreeze()


async def _sweep() -> None:
    loop = asyncio.get_running_loop()
    at, after_last = loop.time(), sys.getallocatedblocks()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if due(sys.getallocatedblocks(), after_last, loop.time() - at):
            gc.collect()
            at, after_last = loop.time(), sys.getallocatedblocks()
