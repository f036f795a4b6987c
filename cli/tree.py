"""The processes of ``zhian up``: which there are, how each is started, and how it is known to be ready."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from cli.running import fail
from cli.supervisor import Child
from integrations.embedded import Command, EmbeddedPostgres, EmbeddedServerError, EmbeddedValkey
from integrations.payments.sandbox.keys import FOLDER as SANDBOX_FOLDER
from integrations.payments.sandbox.keys import HOST as SANDBOX_HOST
from integrations.payments.sandbox.keys import environment as sandbox_accounts

PROBE_SECONDS = 5.0
PROCESS_STOP_SECONDS = 15.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


@dataclass(frozen=True, slots=True)
class Options:
    """What ``zhian up`` was asked for. mqtt_port: None = no MQTT at all. restored: the database comes from a backup.

    sandbox_port: where both payment vendors' sandbox listens; None = none.
    """

    data_dir: Path
    host: str
    port: int
    mqtt_port: int | None
    demo: bool
    restored: bool = False
    sandbox_port: int | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """servers: embedded, started first. processes: ours, after the migrations. environment: ``ZHIAN_*`` of both."""

    servers: tuple[Child, ...]
    processes: tuple[Child, ...]
    environment: dict[str, str]
    urls: dict[str, str]
    data_dir: Path
    servers_dir: Path
    postgres: EmbeddedPostgres | None = None

    def restored(self) -> bool:
        """Whether the embedded cluster was put back from a base backup, and is not known to be settled since."""
        return self.postgres is not None and self.postgres.restored

    def settle(self) -> None:
        """Migrations have seen to it."""
        if self.postgres is not None:
            self.postgres.settle()

    def step(self, *module: str) -> Command:
        """A module with its arguments, in the environment of the tree."""
        return _python(self.environment, self.data_dir, *module)


def plan(options: Options, environ: Mapping[str, str]) -> Tree:
    """The tree for ``options``; outside servers named in ``environ`` take the place of embedded ones."""
    servers: list[Child] = []
    servers_dir = options.data_dir
    database = redis = postgres = None
    if "ZHIAN_DATABASE_URL" not in environ:
        postgres = _postgres(options.data_dir)
        servers_dir = postgres.home
        servers.append(_server("postgres", postgres))
        database = postgres.url()
    if "ZHIAN_REDIS_URL" not in environ:
        valkey = EmbeddedValkey(options.data_dir)
        servers.append(_server("valkey", valkey))
        redis = valkey.url()
    environment = _environment(options, environ, database, redis)
    if options.sandbox_port is not None:
        servers.append(_sandbox(options.data_dir, options.sandbox_port, environment))
    modules = {"api": "api.main", "worker": "workers.main"}
    if options.mqtt_port is not None:
        modules["mqtt"] = "integrations.devices.mqtt.main"
    return Tree(
        servers=tuple(servers),
        processes=tuple(_process(name, module, environment, options) for name, module in modules.items()),
        environment=environment,
        urls=_urls(options, environment),
        data_dir=options.data_dir,
        servers_dir=servers_dir,
        postgres=postgres,
    )


def _postgres(data_dir: Path) -> EmbeddedPostgres:
    """The embedded server with its cluster made, so that its URL is known."""
    try:
        server = EmbeddedPostgres(data_dir)
        server.prepare()
        server.renew_passwords()
    except EmbeddedServerError as error:
        code, _, text = str(error).partition(": ")
        raise fail(code, text) from None
    return server


def _server(name: str, server: EmbeddedPostgres | EmbeddedValkey) -> Child:
    return Child(
        name, server.command, prepare=server.prepare, ready=server.ready, start_seconds=server.start_seconds, quiet=True
    )


def _sandbox(data_dir: Path, port: int, environment: Mapping[str, str]) -> Child:
    """Ready before our processes start: they read the keys it makes."""
    said = {**environment, "ZHIAN_SANDBOX_PORT": str(port)}
    command = _python(said, data_dir, "integrations.payments.sandbox.main")
    return Child("sandbox", lambda: command, ready=_listens(SANDBOX_HOST, port), quiet=True)


def _paid_in(data_dir: Path, port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The accounts at the sandbox; it may be spoken to though it is on this machine and without TLS."""
    networks = [name for name in (environ.get("ZHIAN_OUTGOING_NETWORKS"), f"{SANDBOX_HOST}/32") if name]
    accounts = sandbox_accounts(data_dir / SANDBOX_FOLDER, f"http://{SANDBOX_HOST}:{port}")
    return accounts | {"ZHIAN_OUTGOING_NETWORKS": ",".join(networks)}


def _environment(
    options: Options, environ: Mapping[str, str], database: str | None, redis: str | None
) -> dict[str, str]:
    """The settings of every child: the caller's own ``ZHIAN_*`` win over what follows from the options."""
    ours = {
        "ZHIAN_DATA_DIR": str(options.data_dir),
        "ZHIAN_HOST": options.host,
        "ZHIAN_PORT": str(options.port),
        "ZHIAN_MQTT_PORT": str(options.mqtt_port or 0),
    }
    if database is not None:
        ours["ZHIAN_DATABASE_URL"] = database
    if redis is not None:
        ours["ZHIAN_REDIS_URL"] = redis
    defaults = {
        "ZHIAN_PROFILE": "developer" if options.demo else "production",
        "ZHIAN_PUBLIC_URL": _web(options),
    }
    given = {name: value for name, value in environ.items() if name.startswith("ZHIAN_")}
    if options.sandbox_port is not None:
        ours |= _paid_in(options.data_dir, options.sandbox_port, environ)
    return defaults | given | ours


def _address(host: str, port: int) -> str:
    reached = EVERYWHERE.get(host, host)
    return f"[{reached}]:{port}" if ":" in reached else f"{reached}:{port}"


def _web(options: Options) -> str:
    return f"http://{_address(options.host, options.port)}"


def _urls(options: Options, environment: Mapping[str, str]) -> dict[str, str]:
    """What people use; an outside broker is named without its password."""
    urls = {"api": _web(options), "graphql": f"{_web(options)}/graphql"}
    if options.mqtt_port is not None:
        outside = urlsplit(environment.get("ZHIAN_MQTT_URL", ""))
        urls["mqtt"] = (
            f"mqtt://{outside.hostname}:{outside.port or 1883}"
            if outside.hostname
            else f"mqtt://{_address(options.host, options.mqtt_port)}"
        )
    if options.sandbox_port is not None:
        urls["cashier"] = f"http://{SANDBOX_HOST}:{options.sandbox_port}/cashier"
    return urls


def _process(name: str, module: str, environment: Mapping[str, str], options: Options) -> Child:
    ready: Callable[[int], bool] | None = None
    host = EVERYWHERE.get(options.host, options.host)
    if name == "api":
        ready = _answers_ready(host, options.port)
    elif name == "mqtt" and "ZHIAN_MQTT_URL" not in environment:
        ready = _listens(host, options.mqtt_port or 0)
    return Child(name, lambda: _python(environment, options.data_dir, module), ready=ready)


def _python(environment: Mapping[str, str], folder: Path, *module: str) -> Command:
    """A module of ours, run from ``folder``: ``-P`` keeps what lies there from being imported."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    return Command(
        argv=(sys.executable, "-P", "-m", *module),
        env=inherited | {"PYTHONUNBUFFERED": "1"} | dict(environment),
        cwd=folder,
        stop_seconds=PROCESS_STOP_SECONDS,
    )


def _answers_ready(host: str, port: int) -> Callable[[int], bool]:
    def ready(_pid: int) -> bool:
        connection = HTTPConnection(host, port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return ready


def _listens(host: str, port: int) -> Callable[[int], bool]:
    def ready(_pid: int) -> bool:
        try:
            socket.create_connection((host, port), PROBE_SECONDS).close()
        except OSError:
            return False
        return True

    return ready
