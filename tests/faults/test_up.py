"""``zhian up`` as a person meets it: ready, killed in parts, stopped, started again, killed whole."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from cli.running import read_state
from tests.factories.children import alive
from tests.factories.patience import PATIENCE
from tests.factories.tree import UpTree, wait_until

pytestmark = pytest.mark.fault


def test_everything_starts_survives_kill_9_of_each_part_and_stops(open_folder: Path) -> None:
    with UpTree(open_folder / "data") as tree:
        tree.wait_ready()
        assert set(tree.state().children) == {"postgres", "valkey", "api", "worker", "mqtt"}
        assert tree.answers() == 200
        assert stat.S_IMODE((tree.data_dir / "run.json").stat().st_mode) == 0o600
        for name in ("worker", "mqtt", "api", "valkey", "postgres"):
            tree.wait_again(name, tree.kill(name))
        wait_until(lambda: tree.answers() == 200, "/readyz to be 200 again")
        assert all(child.restarts == 1 for child in tree.state().children.values())
        pids = tree.pids()

        assert tree.stop(signal.SIGINT) == 0

        assert not any(alive(pid) for pid in pids)
        assert read_state(tree.data_dir) is None
        for port in (tree.port, tree.mqtt_port):
            with socket.socket() as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind(("127.0.0.1", port))


async def _query(tree: UpTree, statement: str) -> object:
    connection = await asyncpg.connect(tree.state().environment["ZHIAN_DATABASE_URL"])
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_kill_9_of_the_supervisor_leaves_nothing_and_the_next_up_continues(open_folder: Path) -> None:
    with UpTree(open_folder / "data", "--no-mqtt") as first:
        first.wait_ready()
        await _query(first, "create table kept as select 42 as n")
        pids = first.pids()
        assert len(pids) == 4
        assert _second_up(first.data_dir, "--no-mqtt") == (2, f"DATA_DIR_IN_USE: process {first.process.pid}")

        first.process.kill()
        first.process.wait()
        wait_until(lambda: not any(alive(pid) for pid in pids), "children to end with their supervisor")

    with UpTree(open_folder / "data", "--no-mqtt") as second:
        second.wait_ready()
        assert await _query(second, "select n from kept") == 42
        assert second.stop(signal.SIGTERM) == 0


def test_a_taken_port_ends_the_start_at_once(open_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code, said = _second_up(open_folder / "data", "--no-mqtt", "--port", str(port))

    assert (code, said.split(":")[0]) == (2, "PORT_IN_USE")
    assert not (open_folder / "data" / "postgres").exists()


def _second_up(data_dir: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and the beginning of what a start that must fail says."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli.main", "up", "--data-dir", str(data_dir), *arguments],
        env={name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr.partition(" runs on")[0].partition(" (")[0]
