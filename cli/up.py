"""``zhian up``: the whole product as one supervised tree on one machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.migrate import Restored
from cli.running import DATA_DIR, DataDir, RunState, complain, fail, require_free_port, sole_owner, write_state
from cli.supervisor import ChildFailed, Supervisor
from cli.tree import Options, Tree, plan
from integrations.embedded.account import make_data_dir
from integrations.payments.sandbox.keys import HOST as SANDBOX_HOST

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FAILED = 1
SAMPLE_SECONDS = 30.0
SANDBOX_BESIDE = 99
PAYS_ELSEWHERE = {"ZHIAN_WECHAT_MCHID", "ZHIAN_ALIPAY_APP_ID"}


def command(
    demo: Annotated[bool, typer.Option("--demo", help="Seed an invented county and show sample sign-ins.")] = False,
    host: Annotated[str, typer.Option(envvar="ZHIAN_HOST", help="Address the API listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="ZHIAN_PORT", min=1, max=65535, help="Port of the API.")] = 8000,
    data_dir: DataDir = DATA_DIR,
    mqtt_port: Annotated[
        int, typer.Option(envvar="ZHIAN_MQTT_PORT", min=1, max=65535, help="Port of the embedded MQTT broker.")
    ] = 1883,
    no_mqtt: Annotated[bool, typer.Option("--no-mqtt", help="Neither a broker nor MQTT ingest.")] = False,
    restored: Restored = False,
) -> None:
    """Start everything: servers, migrations, API, workers, MQTT.

    Stops with Ctrl-C. ZHIAN_DATABASE_URL, ZHIAN_REDIS_URL and ZHIAN_MQTT_URL name outside servers to use instead.
    """
    os.umask(0o077)  # keys, pictures, logs and the state of the run are the owner's alone
    sandbox = sandbox_port(port + SANDBOX_BESIDE) if demo and not PAYS_ELSEWHERE & os.environ.keys() else None
    options = Options(data_dir.absolute(), host, port, None if no_mqtt else mqtt_port, demo, restored, sandbox)
    try:
        make_data_dir(options.data_dir)
        (options.data_dir / "pictures").mkdir(mode=0o700, exist_ok=True)  # a backup copies it, with or without pictures
    except OSError as error:
        raise fail("DATA_DIR_UNUSABLE", f"cannot make {data_dir}: {error.strerror}") from None
    with sole_owner(options.data_dir):
        require_free_port(host, port, "--port")
        if options.mqtt_port is not None and "ZHIAN_MQTT_URL" not in os.environ:
            require_free_port(host, options.mqtt_port, "--mqtt-port")
        tree = plan(options, os.environ)
        raise typer.Exit(asyncio.run(_Run(tree, options).until_stopped()))


def sandbox_port(wanted: int) -> int:
    """A loopback port for the payment sandbox: ``wanted`` if it is free, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((SANDBOX_HOST, port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise fail("NO_PORT", "no port is free for the payment sandbox")


class _Run:
    """One run of the tree, from start to stop."""

    def __init__(self, tree: Tree, options: Options) -> None:
        self._tree = tree
        self._options = options
        self._logs = options.data_dir / "logs"
        self._supervisor = Supervisor(self._logs, say=self._say, changed=self._write_state)

    async def until_stopped(self) -> int:
        """Run until a stop signal comes (0) or something does not start (1)."""
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._on_signal, stopping)
        starting = asyncio.create_task(self._start())
        stopped = asyncio.create_task(stopping.wait())
        code = 0
        try:
            await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopped
        except ChildFailed as error:
            self._say(error.name, str(error))
            complain("NOT_STARTED", f"{error.name} failed; its whole log is {self._logs / error.name}.log")
            code = FAILED
        finally:
            starting.cancel()
            await asyncio.wait({starting})
            self._say("up", "stopping")
            await self._supervisor.stop()
            self._say("up", "stopped")
        return code

    async def _start(self) -> None:
        tree = self._tree
        if tree.servers_dir != tree.data_dir:
            self._say("up", f"the servers' account cannot enter {tree.data_dir}; their files are in {tree.servers_dir}")
        for server in tree.servers:
            await self._supervisor.keep(server)
        restored = ["--restored"] if self._options.restored or tree.restored() else []
        await self._supervisor.run("migrate", tree.step("cli.main", "migrate", *restored))
        tree.settle()
        if self._options.demo:
            await self._supervisor.run("seed", tree.step("cli.seed"))
        await asyncio.gather(*(self._supervisor.keep(process) for process in tree.processes))
        self._show_urls()
        if self._options.demo:
            await asyncio.to_thread(self._show_sign_ins)

    def _on_signal(self, stopping: asyncio.Event) -> None:
        if stopping.is_set():
            self._supervisor.hurry()
        stopping.set()

    def _write_state(self) -> None:
        tree = self._tree
        state = RunState(os.getpid(), tree.urls, tree.environment, self._supervisor.states())
        with suppress(OSError):  # a full disk: other commands see an older state, the tree goes on
            write_state(tree.data_dir, state)

    def _say(self, name: str, line: str) -> None:
        """One line of a child, or about it, on standard error; nobody may be reading."""
        try:
            sys.stderr.write(f"{name:>8} | {line}\n")
            sys.stderr.flush()
        except OSError:
            return

    def _show_urls(self) -> None:
        table = Table(title="Zhian 智安", title_justify="left", show_header=False, box=None)
        for name, url in self._tree.urls.items():
            table.add_row(name, url)
        table.add_row("data", str(self._tree.data_dir))
        table.add_row("stop", "Ctrl-C")
        Console(soft_wrap=True).print(table)

    def _show_sign_ins(self) -> None:
        step = self._tree.step("cli.main", "demo", "info", "--json")
        done = subprocess.run(
            step.argv, env=dict(step.env), cwd=step.cwd, capture_output=True, timeout=SAMPLE_SECONDS, check=False
        )
        if done.returncode:
            self._say("up", f"no sample sign-ins: {done.stderr.decode(errors='replace')[-500:]}")
            return
        Console(soft_wrap=True).print(_sign_ins(json.loads(done.stdout)["accounts"]))


def _sign_ins(accounts: list[dict[str, Any]]) -> Table:
    """One account of each role."""
    table = Table(title="Sign in as (zhian token --phone …)", title_justify="left", box=None)
    for column in ("phone", "name", "role", "scope_name"):
        table.add_column(column)
    first = {account["role"]: account for account in reversed(accounts)}
    for account in reversed(first.values()):
        table.add_row(*(str(account[column]) for column in ("phone", "name", "role", "scope_name")))
    return table
