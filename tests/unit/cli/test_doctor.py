"""The doctor's checks of what stands around the database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.components.reviewed import Review
from cli.doctor.components import ComponentChecks
from cli.doctor.finding import Finding, State, guarded
from cli.doctor.surroundings import SurroundingChecks
from cli.running import ChildState, RunState
from integrations.settings import Settings, read_settings


def settings(folder: Path, **named: str) -> Settings:
    return read_settings(
        {"ZHIAN_DATA_DIR": str(folder), "ZHIAN_DATABASE_URL": "postgresql://x"}
        | {f"ZHIAN_{name}": value for name, value in named.items()}
    )


def running(**urls: str) -> RunState:
    return RunState(pid=1, urls=urls, environment={})


async def one(checks: list[Finding]) -> tuple[str, State]:
    (found,) = checks
    return found.name, found.state


@pytest.mark.parametrize(
    ("profile", "address", "state"),
    [
        ("developer", "http://127.0.0.1:8000", State.OK),
        ("production", "http://127.0.0.1:8000", State.WARN),
        ("production", "http://localhost", State.WARN),
        ("production", "https://zhian.example", State.OK),
    ],
)
async def test_production_needs_an_address_devices_reach(
    tmp_path: Path, profile: str, address: str, state: State
) -> None:
    checks = SurroundingChecks(settings(tmp_path, PROFILE=profile, PUBLIC_URL=address), None)

    assert await one(await checks.profile()) == ("settings", state)


async def test_key_files_must_be_there_and_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    for name, mode in (("signing.json", 0o600), ("../demo.json", 0o640)):
        (folder / name).write_text("{}")
        (folder / name).chmod(mode)

    found = {f.name: f for f in await SurroundingChecks(settings(tmp_path), None).keys()}

    assert {name: f.state for name, f in found.items()} == {
        "key signing.json": State.OK,
        "key vault.json": State.WARN,
        "key demo.json": State.FAIL,
    }
    assert found["key demo.json"].do == f"chmod 600 {tmp_path / 'demo.json'}"


async def test_without_valkey_everything_polls(tmp_path: Path) -> None:
    assert await one(await SurroundingChecks(settings(tmp_path), None).valkey()) == ("valkey", State.WARN)


async def test_valkey_tells_its_version(tmp_path: Path, redis_url: str) -> None:
    (found,) = await SurroundingChecks(settings(tmp_path, REDIS_URL=redis_url), None).valkey()

    assert found.state is State.OK
    assert found.said.startswith("version 9")


async def test_the_broker_is_asked_for_only_where_there_is_one(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        listening = SurroundingChecks(settings(tmp_path), running(mqtt=f"mqtt://127.0.0.1:{port}"))
        assert await one(await listening.mqtt()) == ("mqtt", State.OK)
    deaf = await guarded("mqtt", listening.mqtt, "see the broker")
    (unwanted,) = await SurroundingChecks(settings(tmp_path), running(api="http://x")).mqtt()

    assert [(f.state, f.do) for f in deaf] == [(State.FAIL, "see the broker")]
    assert (unwanted.state, unwanted.said) == (State.OK, "not asked for")


async def test_children_that_die_or_are_not_ready_are_told(tmp_path: Path) -> None:
    children = {
        "api": ChildState(1, 1.0, ready=True, restarts=0),
        "worker": ChildState(2, 1.0, ready=True, restarts=3),
        "mqtt": ChildState(3, 1.0, ready=False, restarts=0),
    }
    state = RunState(pid=1, urls={}, environment={}, children=children)

    found = await SurroundingChecks(settings(tmp_path), state).processes()

    assert [f.state for f in found] == [State.OK, State.WARN, State.FAIL]
    assert found[2].do.endswith("logs/mqtt.log")


@pytest.mark.parametrize(
    ("ago", "profile", "state"),
    [(92, "production", State.OK), (93, "production", State.WARN), (93, "developer", State.OK)],
)
async def test_components_are_to_be_looked_through_every_quarter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ago: int, profile: str, state: State
) -> None:
    today = datetime.now(UTC).date()
    review = Review(today, today - timedelta(days=ago), {})
    monkeypatch.setattr("cli.doctor.components.read_review", lambda: review)

    (found,) = await ComponentChecks(settings(tmp_path, PROFILE=profile)).reviewed()

    assert (found.name, found.state) == ("components", state)
    assert f"releases looked through {ago} days ago" in found.said
    assert ("make advisories" in found.do) == (state is State.WARN)
