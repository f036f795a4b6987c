"""The servers of one test run: one PostgreSQL cluster and one Valkey, shared by all pytest-xdist workers.

The process that was started as ``pytest`` owns them (PDEATHSIG ends them if it is killed). It starts them at the first
question that arrives at a Unix socket in the run's folder, so that a run of pure unit tests starts nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from integrations.embedded import EmbeddedPostgres, EmbeddedValkey
from migrations.run import upgrade

RUN_VARIABLE = "ZHIAN_TEST_RUN"
TEMPLATE = "zhian"
MEMORY_NEEDED = 2 << 30
SETTING_UP_SECONDS = 60
SETTINGS = {
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "min_wal_size": "80MB",
    "autovacuum": "off",
    "effective_cache_size": "1GB",
}


@dataclass(frozen=True)
class Servers:
    """Where the servers of this run are. ``strategy``: how this file system clones a database fastest."""

    superuser_url: str
    login_url: str
    redis_url: str
    strategy: str


class Owner:
    """Owns the servers of a run and answers where they are."""

    def __init__(self) -> None:
        self.folder, self.in_memory = _run_folder()
        self._lock = (self.folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / "ask"))
        self._listener.listen(64)
        self._postgres: EmbeddedPostgres | None = None
        self._valkey: EmbeddedValkey | None = None
        self._thread = threading.Thread(target=self._serve, name="test-servers", daemon=True)
        os.environ[RUN_VARIABLE] = str(self.folder)

    def open(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop the servers and remove every file."""
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(self.folder / "ask"))
            last.sendall(b"stop")
        self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def _serve(self) -> None:
        """Runs in one thread for the whole run: the servers die with the thread that started them."""
        answer = b""
        try:
            while True:
                asked, _ = self._listener.accept()
                with asked:
                    if asked.recv(16) == b"stop":
                        break
                    answer = answer or self._start()
                    asked.sendall(answer)
        finally:
            self._listener.close()
            for server in (self._postgres, self._valkey):
                if server is not None:
                    server.stop()

    def _start(self) -> bytes:
        try:
            self._postgres = EmbeddedPostgres(self.folder, settings=SETTINGS)
            self._postgres.start()
            self._valkey = EmbeddedValkey(self.folder, databases=64)
            self._valkey.start()
            asyncio.run(upgrade(self._postgres.url(TEMPLATE)))
        except Exception as error:  # noqa: BLE001 - told to the test that asked, once for all
            return json.dumps({"error": repr(error)}).encode()
        found = Servers(
            superuser_url=self._postgres.url("postgres", superuser=True),
            login_url=self._postgres.url(TEMPLATE),
            redis_url=self._valkey.url(),
            strategy="file_copy" if self.in_memory else "wal_log",
        )
        return json.dumps(asdict(found)).encode()


def ask() -> Servers:
    """The servers of this run, started now if they are not yet."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(Path(os.environ[RUN_VARIABLE]) / "ask"))
        asked.sendall(b"where")
        answer = b"".join(iter(lambda: asked.recv(65536), b""))
    found = json.loads(answer)
    if "error" in found:
        raise RuntimeError(f"the servers of the test run did not start: {found['error']}")
    return Servers(**found)


def _run_folder() -> tuple[Path, bool]:
    """A new folder for this run, in memory where there is room (a clone: 25 ms instead of 200), free of dead runs."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own inside
    in_memory = memory.is_dir() and shutil.disk_usage(memory).free >= MEMORY_NEEDED
    base = memory if in_memory else Path(tempfile.gettempdir())
    for old in base.glob("zhian-test-*"):
        _remove_if_dead(old)
    folder = Path(tempfile.mkdtemp(prefix="zhian-test-", dir=base))
    folder.chmod(0o711)  # root's servers run as another account, which must walk through
    return folder, in_memory


def _remove_if_dead(folder: Path) -> None:
    """Remove what a killed run left: its lock is free, and it is not just being set up."""
    try:
        if time.time() - folder.stat().st_mtime < SETTING_UP_SECONDS:
            return
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return
