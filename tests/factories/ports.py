"""Ports for processes that have to be told theirs."""

from __future__ import annotations

import os
import random
import socket
from typing import Final

FIRST, LAST, SHARES = 12_000, 32_000, 8
"""Below those that systems give out, so that no connection takes one before its server has it; a share per worker."""


def _share() -> list[int]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SHARES
    size: Final = (LAST - FIRST) // SHARES
    ports = list(range(FIRST + number * size, FIRST + (number + 1) * size))
    random.SystemRandom().shuffle(ports)
    return ports


_left = _share()


def free_port() -> int:
    """A loopback port nobody listens on, which is given to nobody else in this run."""
    while True:
        port = _left.pop()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
