"""What a running tree tells other commands, and what keeps two of them apart."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import typer

from cli import running
from cli.running import ChildState, RunState, read_state, require_free_port, settings_for, sole_owner, write_state
from tests.factories.children import alive, script

STATE = RunState(
    pid=1,
    urls={"api": "http://127.0.0.1:8000"},
    environment={"ZHIAN_DATABASE_URL": "postgresql://zhian:secret@/zhian", "ZHIAN_PORT": "8123"},
    children={"api": ChildState(pid=2, started=3.5, ready=True, restarts=4)},
)


def test_the_state_is_read_back_and_is_the_owners_alone(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)

    assert read_state(tmp_path) == STATE
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_settings_come_from_the_running_tree(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)

    found = settings_for(tmp_path, {"ZHIAN_PORT": "9000"})

    assert str(found.database_url) == "postgresql://zhian:secret@/zhian"
    assert found.port == 9000
    assert found.data_dir == tmp_path


def test_settings_come_from_the_environment_alone_when_it_names_a_database(tmp_path: Path) -> None:
    assert str(settings_for(tmp_path, {"ZHIAN_DATABASE_URL": "postgresql://db/x"}).database_url) == "postgresql://db/x"


def test_without_a_tree_and_a_database_a_command_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as caught:
        settings_for(tmp_path, {})

    assert caught.value.exit_code == 2
    assert "NOT_RUNNING" in capsys.readouterr().err


def test_a_second_owner_is_refused_and_told_who_the_first_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sole_owner(tmp_path):
        write_state(tmp_path, STATE)
        with pytest.raises(typer.Exit) as caught, sole_owner(tmp_path):
            pass
        assert read_state(tmp_path) == STATE

    assert caught.value.exit_code == 2
    assert "DATA_DIR_IN_USE: process 1 runs on" in capsys.readouterr().err
    with sole_owner(tmp_path):
        assert read_state(tmp_path) is None


def test_children_of_a_killed_owner_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LEFTOVER_SECONDS", 0.1)
    with subprocess.Popen(script("import time; time.sleep(600)").argv) as left:
        started = psutil.Process(left.pid).create_time()
        write_state(tmp_path, RunState(1, {}, {}, {"api": ChildState(left.pid, started, True, 0)}))

        with sole_owner(tmp_path):
            assert not alive(left.pid)


def test_a_stranger_with_the_number_of_a_child_is_left_alone(tmp_path: Path) -> None:
    children = {"api": ChildState(os.getpid(), time.time() + 3600, True, 0)}
    write_state(tmp_path, RunState(1, {}, {}, children))

    with sole_owner(tmp_path):
        pass


def test_a_taken_port_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(typer.Exit) as caught:
            require_free_port("127.0.0.1", port, "--port")

    assert caught.value.exit_code == 2
    assert f"PORT_IN_USE: cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
    require_free_port("127.0.0.1", port, "--port")


def test_a_data_directory_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lock").mkdir()

    with pytest.raises(typer.Exit) as caught, sole_owner(tmp_path):
        pass

    assert caught.value.exit_code == 2
    assert "DATA_DIR_UNUSABLE" in capsys.readouterr().err
