"""Files of strangers read as rows by a process of their own, which has an end in time and memory.

What a workbook unpacks to can be a hundred times what it was, whatever is held before; a process that takes too much is
the file's fault, and nothing else is with it. ``python -I -m integrations.sheet_process FORM MOST MEMORY`` reads
it from standard input and writes one JSON value: the rows, ``null`` = more than MOST, or why it is no sheet.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

from integrations.sheets import Unreadable, rows_of
from integrations.surroundings import surroundings
from integrations.vision.worker import confine

MEMORY: Final = 1024 * 1024 * 1024
"""Bytes beyond what an idle process uses."""
SECONDS: Final = 60.0
BEGUN: Final = b"\n"
"""What it writes before it looks at the file; whatever ends it later is the file's doing. No part of a JSON value."""


async def read_rows(
    content: bytes, *, form: str, most: int, memory: int = MEMORY, seconds: float = SECONDS
) -> list[list[str]]:
    """``sheets.rows_of`` of a file that nobody vouches for, with its errors; Unreadable too when it takes more than
    ``memory`` bytes or ``seconds``. Raises RuntimeError when the process itself is broken.
    """
    reading = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", __name__, form, str(most), str(memory),
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=surroundings(), start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            said, _ = await reading.communicate(content)
    except TimeoutError:
        raise Unreadable("it takes too long") from None
    finally:
        if reading.returncode is None:
            reading.kill()
            await reading.wait()
    ended = reading.returncode or 0
    if ended and said.startswith(BEGUN):
        raise Unreadable("it takes too much")
    if ended:
        raise RuntimeError(f"the process that reads files ended with {ended}")
    rows: list[list[str]] | str | None = json.loads(said)
    if rows is None:
        raise OverflowError(most)
    if isinstance(rows, str):
        raise Unreadable(rows)
    return rows


def main() -> None:
    """Read, and say what was read."""
    form, most, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    content = sys.stdin.buffer.read()
    import openpyxl  # noqa: F401 - what it takes itself is not the file's

    confine(memory)
    gc.disable()  # a parser makes millions of objects and no rings of them
    sys.stdout.buffer.write(BEGUN)
    sys.stdout.flush()
    said: list[list[str]] | str | None
    try:
        said = rows_of(content, form=form, most=most)
    except Unreadable as error:
        said = str(error)
    except OverflowError:
        said = None
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
