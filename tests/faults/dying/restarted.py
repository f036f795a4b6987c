"""``python -m tests.faults.dying.restarted``: the API process, begun again whenever it dies, as ``zhian up`` does.

Each is forked from one that has imported everything, which is most of a start, and then runs as ``python -m api.main``
does. The number of each process is a line on the output. It ends, and ends the last process, when its input does.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import Final

from api.main import main as api

POLL_SECONDS: Final = 0.02


def main() -> None:
    """Begin processes one after the other until nobody listens any more."""
    while _lived(_begun()):
        pass


def _begun() -> int:
    child = os.fork()
    if child == 0:
        os.close(0)
        os.dup2(2, 1)
        try:
            api()
        finally:
            os._exit(1)
    sys.stdout.write(f"{child}\n")
    sys.stdout.flush()
    return child


def _lived(child: int) -> bool:
    """Wait for its death, which is not the end; False when the input has ended, and with it the process."""
    while True:
        done, _ = os.waitpid(child, os.WNOHANG)
        if done:
            return True
        listening, _, _ = select.select([0], [], [], POLL_SECONDS)
        if listening and not os.read(0, 1):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False


if __name__ == "__main__":
    main()
