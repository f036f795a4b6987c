"""Which processes ``zhian up`` starts, and with which settings. Outside servers stand in, so that nothing starts."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

from cli.tree import Options, plan
from cli.up import sandbox_port
from integrations.settings import read_settings

OUTSIDE = {"ZHIAN_DATABASE_URL": "postgresql://u:p@db/zhian", "ZHIAN_REDIS_URL": "redis://cache"}


def _options(data_dir: Path, *, host: str = "127.0.0.1", mqtt_port: int | None = 1884, demo: bool = False) -> Options:
    return Options(data_dir=data_dir, host=host, port=8001, mqtt_port=mqtt_port, demo=demo)


def test_outside_servers_take_the_place_of_embedded_ones(tmp_path: Path) -> None:
    tree = plan(_options(tmp_path), OUTSIDE)

    assert tree.servers == ()
    assert [child.name for child in tree.processes] == ["api", "worker", "mqtt"]
    assert tree.environment["ZHIAN_DATABASE_URL"] == OUTSIDE["ZHIAN_DATABASE_URL"]
    assert tree.environment["ZHIAN_REDIS_URL"] == OUTSIDE["ZHIAN_REDIS_URL"]
    assert list(tmp_path.iterdir()) == []


def test_each_embedded_server_is_left_out_by_itself(open_folder: Path) -> None:
    tree = plan(_options(open_folder), {"ZHIAN_DATABASE_URL": "postgresql://u:p@db/zhian"})

    assert [child.name for child in tree.servers] == ["valkey"]
    assert tree.environment["ZHIAN_REDIS_URL"].startswith("unix://default:")


def test_no_mqtt_leaves_it_out(tmp_path: Path) -> None:
    tree = plan(_options(tmp_path, mqtt_port=None), OUTSIDE)

    assert [child.name for child in tree.processes] == ["api", "worker"]
    assert set(tree.urls) == {"api", "graphql"}


def test_an_outside_broker_is_shown_without_its_password(tmp_path: Path) -> None:
    tree = plan(_options(tmp_path), {**OUTSIDE, "ZHIAN_MQTT_URL": "mqtt://zhian:secret@broker.example:1999"})

    assert tree.urls["mqtt"] == "mqtt://broker.example:1999"
    assert tree.environment["ZHIAN_MQTT_URL"] == "mqtt://zhian:secret@broker.example:1999"


def test_options_win_over_the_environment_and_the_demo_is_for_developers(tmp_path: Path) -> None:
    given = {**OUTSIDE, "ZHIAN_PORT": "9", "ZHIAN_LOG_LEVEL": "debug", "HOME": "/home/x"}

    tree = plan(_options(tmp_path, demo=True), given)

    assert tree.environment["ZHIAN_PORT"] == "8001"
    assert tree.environment["ZHIAN_LOG_LEVEL"] == "debug"
    assert tree.environment["ZHIAN_PROFILE"] == "developer"
    assert "HOME" not in tree.environment
    assert plan(_options(tmp_path), given).environment["ZHIAN_PROFILE"] == "production"


def test_listening_everywhere_is_shown_as_loopback(tmp_path: Path) -> None:
    everywhere = plan(_options(tmp_path, host="0.0.0.0"), OUTSIDE)  # noqa: S104 - what the test is about
    six = plan(_options(tmp_path, host="::1"), OUTSIDE)

    assert everywhere.urls == {
        "api": "http://127.0.0.1:8001",
        "graphql": "http://127.0.0.1:8001/graphql",
        "mqtt": "mqtt://127.0.0.1:1884",
    }
    assert everywhere.environment["ZHIAN_HOST"] == "0.0.0.0"  # noqa: S104 - what the test is about
    assert six.urls["api"] == "http://[::1]:8001"


def test_a_demo_pays_at_a_sandbox_of_its_own(tmp_path: Path) -> None:
    given = {**OUTSIDE, "ZHIAN_OUTGOING_NETWORKS": "10.2.0.0/16"}
    tree = plan(replace(_options(tmp_path, demo=True), sandbox_port=8100), given)

    assert [child.name for child in tree.servers] == ["sandbox"]
    assert tree.urls["cashier"] == "http://127.0.0.1:8100/cashier"
    settings = read_settings(tree.environment)
    assert settings.wechat is not None
    assert settings.alipay is not None
    assert {settings.wechat.gateway, settings.alipay.gateway} == {
        "http://127.0.0.1:8100",
        "http://127.0.0.1:8100/gateway.do",
    }
    assert [str(network) for network in settings.outgoing_networks] == ["10.2.0.0/16", "127.0.0.1/32"]
    assert read_settings(plan(_options(tmp_path, demo=True), OUTSIDE).environment).wechat is None


def test_a_taken_port_is_no_hindrance_to_the_sandbox() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert sandbox_port(port) not in (0, port)
    assert sandbox_port(70_000) > 0


def test_a_step_runs_in_the_environment_of_the_tree(tmp_path: Path) -> None:
    step = plan(_options(tmp_path), OUTSIDE).step("cli.main", "migrate")

    assert step.argv[1:] == ("-P", "-m", "cli.main", "migrate")
    assert step.cwd == tmp_path
    assert step.env["ZHIAN_DATABASE_URL"] == OUTSIDE["ZHIAN_DATABASE_URL"]
