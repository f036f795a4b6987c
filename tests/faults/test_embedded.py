"""The embedded servers under what happens to them: kill -9, leftovers, stale files, closed homes, long paths."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest
import redis

from integrations.embedded import EmbeddedPostgres, EmbeddedServerError, EmbeddedValkey, account
from integrations.embedded.account import Account
from tests.factories.children import alive

pytestmark = pytest.mark.fault
SMALL = {"shared_buffers": "16MB", "max_wal_size": "128MB", "min_wal_size": "32MB"}


@contextmanager
def running(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """Started, and stopped at the end."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def _do(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_what_was_committed_survives_kill_9_of_the_server(open_folder: Path) -> None:
    with running(EmbeddedPostgres(open_folder, settings=SMALL)) as server:
        await _do(server, "create table t (n int)")
        await _do(server, "insert into t values (7)")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)

        server.start()

        assert await _do(server, "select n from t") == 7


async def test_backends_left_by_a_killed_server_are_ended_before_the_next_start(open_folder: Path) -> None:
    first = EmbeddedPostgres(open_folder, settings=SMALL)
    first.start()
    connection = await asyncpg.connect(first.url())
    backend = connection.get_server_pid()
    os.kill(backend, signal.SIGSTOP)  # does not see that its server is gone
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)

    with running(EmbeddedPostgres(open_folder, settings=SMALL)) as second:
        assert not alive(backend)
        assert await _do(second, "select 1") == 1
    connection.terminate()
    first.stop()


async def test_a_lock_file_with_the_number_of_a_stranger_is_no_obstacle(open_folder: Path) -> None:
    with running(EmbeddedPostgres(open_folder, settings=SMALL)) as server:
        lines = (server.cluster / "postmaster.pid").read_text().splitlines()
    stranger = await asyncio.create_subprocess_exec("/bin/sleep", "600", user=server.account.uid, cwd="/")
    (server.cluster / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")

    with running(EmbeddedPostgres(open_folder, settings=SMALL)) as again:
        assert await _do(again, "select 1") == 1

    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


def test_an_interrupted_first_start_is_made_anew(open_folder: Path) -> None:
    home = EmbeddedPostgres(open_folder, settings=SMALL).home
    (home / "postgres.new" / "base").mkdir(parents=True)

    with running(EmbeddedPostgres(open_folder, settings=SMALL)) as server:
        assert server.pid is not None

    assert not (home / "postgres.new").exists()


def test_a_cluster_of_another_version_is_refused(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder)
    server.cluster.mkdir()
    (server.cluster / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedServerError, match="CLUSTER_VERSION"):
        server.prepare()


async def test_passwords_are_asked_and_kept_private(open_folder: Path) -> None:
    with running(EmbeddedPostgres(open_folder, settings=SMALL)) as server:
        kept = open_folder / "postgres.json"
        password = json.loads(kept.read_text())["zhian"]
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url().replace(password, "guess"))
        assert psutil.Process(server.pid).net_connections("inet") == []
        assert password not in " ".join(psutil.Process(server.pid).cmdline())


async def test_each_start_has_passwords_of_its_own(open_folder: Path) -> None:
    first = EmbeddedPostgres(open_folder, settings=SMALL)
    first.prepare()
    first.renew_passwords()
    before = first.url()
    (open_folder / "postgres.json").unlink()

    again = EmbeddedPostgres(open_folder, settings=SMALL)
    again.prepare()
    again.renew_passwords()
    with running(again):
        assert again.url() != before
        assert await _do(again, "select current_user::text") == "zhian"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(before)


async def test_a_cluster_from_a_backup_keeps_its_passwords_until_it_has_recovered(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder, settings=SMALL)
    server.prepare()
    before = server.url()
    (server.cluster / "recovery.signal").touch()

    again = EmbeddedPostgres(open_folder, settings=SMALL)
    again.prepare()
    again.renew_passwords()

    assert again.url() == before


async def test_a_path_too_long_for_a_socket_is_no_obstacle(open_folder: Path) -> None:
    deep = open_folder / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir(mode=0o711)
    with running(EmbeddedPostgres(deep, settings=SMALL)) as server:
        assert await _do(server, "select 1") == 1
        sockets = Path(parse_qs(urlsplit(server.url()).query)["host"][0])
        assert open_folder not in sockets.parents
    shutil.rmtree(sockets)


async def test_a_home_closed_to_the_servers_account_is_left_closed(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service_home = open_folder / "var-lib-zhian"
    monkeypatch.setattr(account, "SERVICE_HOME", service_home)
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)

    with running(EmbeddedPostgres(closed / "data", settings=SMALL)) as server:
        assert await _do(server, "select 1") == 1

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    if server.account == Account():
        assert server.home == closed / "data"
        return
    assert server.home.parent == service_home
    with running(EmbeddedPostgres(closed / "data", settings=SMALL)) as again:
        assert again.home == server.home


def test_programs_out_of_reach_are_copied_once(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "SERVICE_HOME", open_folder / "var-lib-zhian")
    package = open_folder / "closed" / "package"
    (package / "bin").mkdir(parents=True)
    (package / "bin" / "program").write_text("#!/bin/sh\n")
    (package / "bin" / "program").chmod(0o700)
    (open_folder / "closed").chmod(0o700)
    who = account.server_account()

    found = [account.reachable(package, "package-1.0", who, "bin") for _ in range(2)]

    if who == Account():
        assert found == [package, package]
        return
    assert found == [open_folder / "var-lib-zhian" / "package-1.0"] * 2
    assert who.reaches(found[0] / "bin" / "program")
    assert [path.name for path in (open_folder / "var-lib-zhian").iterdir()] == ["package-1.0"]


def _fill(client: redis.Redis) -> None:
    for number in range(64):
        client.set(str(number), b"x" * 100_000)


def test_valkey_asks_for_its_password_and_refuses_to_forget(open_folder: Path) -> None:
    server = EmbeddedValkey(open_folder, memory=3)
    server.start()
    try:
        with redis.Redis(unix_socket_path=str(server.socket)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with redis.Redis.from_url(server.url(5)) as client:
            assert client.config_get("save") == {"save": ""}
            with pytest.raises(redis.OutOfMemoryError):
                _fill(client)
            assert client.get("0") == b"x" * 100_000
    finally:
        server.stop()
    assert not server.socket.exists()


def test_valkey_starts_again_after_kill_9(open_folder: Path) -> None:
    server = EmbeddedValkey(open_folder)
    server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    try:
        server.start()
        with redis.Redis.from_url(server.url()) as client:
            assert client.ping()
    finally:
        server.stop()
