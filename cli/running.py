"""What a running ``zhian up`` tells the other commands: ``run.json`` in its data directory, and the lock beside it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.text import Text

from integrations.settings import Settings, read_settings

DATA_DIR = Path(".zhian")
DataDir = Annotated[Path, typer.Option(envvar="ZHIAN_DATA_DIR", help="Where `zhian up` keeps everything.")]
RUN_FILE = "run.json"
LOCK_FILE = "lock"
USAGE_ERROR = 2
LEFTOVER_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class ChildState:
    """One child process. started: its creation time in epoch seconds, which tells it from a later owner of its pid."""

    pid: int
    started: float
    ready: bool
    restarts: int


@dataclass(frozen=True, slots=True)
class RunState:
    """The running tree. urls: api, graphql, mqtt, as people use them. environment: the ``ZHIAN_*`` of the children."""

    pid: int
    urls: dict[str, str]
    environment: dict[str, str]
    children: dict[str, ChildState] = field(default_factory=dict)


def fail(code: str, text: str) -> typer.Exit:
    """Say ``text`` with its ``code`` on standard error; raise what this returns to end with status 2."""
    complain(code, text)
    return typer.Exit(USAGE_ERROR)


def complain(code: str, text: str) -> None:
    """Say ``text`` with its ``code`` on standard error."""
    Console(stderr=True, soft_wrap=True).print(Text.assemble((code, "bold red"), f": {text}"))


def write_state(data_dir: Path, state: RunState) -> None:
    """Replace ``run.json`` whole; it holds passwords, so only its owner may read it."""
    handle, name = tempfile.mkstemp(dir=data_dir, prefix=RUN_FILE)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(state), file, indent=1)
    Path(name).rename(data_dir / RUN_FILE)


def read_state(data_dir: Path) -> RunState | None:
    """What the last ``zhian up`` on ``data_dir`` wrote, whether it still runs or not; None when it stopped cleanly."""
    try:
        found = json.loads((data_dir / RUN_FILE).read_text())
    except (OSError, ValueError):
        return None
    children = {name: ChildState(**child) for name, child in found.pop("children").items()}
    return RunState(children=children, **found)


def settings_for(data_dir: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of the tree that runs on ``data_dir``, or of the environment alone where it names a database.

    Ends the command with status 2 when there is neither.
    """
    given = dict(os.environ if environ is None else environ)
    state = read_state(data_dir)
    if state is None and "ZHIAN_DATABASE_URL" not in given:
        raise fail("NOT_RUNNING", f"nothing runs on {data_dir.absolute()}; start `zhian up`, or set ZHIAN_DATABASE_URL")
    return read_settings({"ZHIAN_DATA_DIR": str(data_dir), **(state.environment if state else {}), **given})


@contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Hold the data directory alone; a second ``zhian up`` on it ends with status 2.

    Children that a killed owner left are given time to stop, then ended.
    """
    try:
        lock_file = (data_dir / LOCK_FILE).open("a+")
    except OSError as error:
        raise fail("DATA_DIR_UNUSABLE", f"cannot write in {data_dir}: {error.strerror}") from None
    with lock_file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            state = read_state(data_dir)
            who = f"process {state.pid}" if state else "another process"
            raise fail("DATA_DIR_IN_USE", f"{who} runs on {data_dir}; stop it, or choose another --data-dir") from None
        _end_leftovers(data_dir)
        try:
            yield
        finally:
            (data_dir / RUN_FILE).unlink(missing_ok=True)


def require_free_port(host: str, port: int, option: str) -> None:
    """End with status 2 when nothing can listen on ``port``; ``option`` is what chooses another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise fail(
                "PORT_IN_USE", f"cannot listen on {host}:{port} ({error.strerror}); choose another with {option}"
            ) from None


def _end_leftovers(data_dir: Path) -> None:
    state = read_state(data_dir)
    left = []
    for child in state.children.values() if state else ():
        try:
            process = psutil.Process(child.pid)
            if abs(process.create_time() - child.started) < 1:
                left.append(process)
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(left, timeout=LEFTOVER_SECONDS)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=LEFTOVER_SECONDS)
