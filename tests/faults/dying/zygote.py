"""``python -m tests.faults.dying.zygote``: forks a process for each line on its input, and tells how it ended.

Everything is imported once. It has no loop, thread or connection of its own that a fork would carry along.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from tests.faults.dying import acts
from tests.faults.dying.suspensions import Suspensions


def main() -> None:
    """Answer ``{"act": …, "kill_at": k}`` with ``{"said": [...], "killed": …, "seen": …}`` until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        acts.prepare(asked)
        sys.stdout.write(f"{json.dumps(_forked(asked))}\n")
        sys.stdout.flush()


def _forked(asked: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_live(asked, writing))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    seen = next((int(each[1:]) for each in said if each.startswith("#")), None)
    return {
        "said": [each for each in said if not each.startswith("#")],
        "killed": os.WIFSIGNALED(status),
        "failed": os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0,
        "seen": seen,
    }


def _live(asked: dict[str, Any], writing: int) -> int:
    os.dup2(2, 1)  # what it logs is no answer

    def say(word: str) -> None:
        os.write(writing, f"{word}\n".encode())

    suspensions = Suspensions(asked["kill_at"])
    try:
        asyncio.run(acts.act(asked, suspensions, say))
    except BaseException as error:  # noqa: BLE001 - told to the test
        say(f"{type(error).__name__}: {error}")
        return 1
    say(f"#{suspensions.seen}")
    return 0


if __name__ == "__main__":
    main()
