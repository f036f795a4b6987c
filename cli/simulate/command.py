"""``zhian simulate``: the demo's devices, played through the real network endpoints."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.live import Live

from cli.demo import describe
from cli.running import DATA_DIR, DataDir, fail, read_state, settings_for
from cli.simulate import view
from cli.simulate.alerts import Seen, follow
from cli.simulate.engine import Engine, Plan
from cli.simulate.fleet import Fleet
from cli.simulate.over_http import HttpSender
from cli.simulate.over_mqtt import MqttSender
from cli.simulate.scenarios import Name, scenario
from cli.simulate.shot import thing
from cli.token import token_for
from domain.kernel.actor import Role
from integrations.settings import Settings

FEED_SECONDS = 10.0
LAST_ALERTS_SECONDS = 2.0
REFRESH_SECONDS = 0.25
NOT_ACKNOWLEDGED = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked for. url: the API. mqtt: host and port of the broker, None = everything over HTTP."""

    settings: Settings
    url: str
    mqtt: tuple[str, int] | None
    name: Name
    rate: float
    seconds: float
    seed: int


def command(
    rate: Annotated[float, typer.Option(min=0.1, max=100_000, help="Messages a second, on average.")] = 20.0,
    minutes: Annotated[float, typer.Option(min=0.01, max=10_000, help="How long.")] = 5.0,
    name: Annotated[Name, typer.Option("--scenario", help="What happens beside the ordinary day.")] = Name.DAY,
    seed: Annotated[int, typer.Option(help="The same seed draws the same day.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, without a live view.")] = False,
    url: Annotated[str | None, typer.Option(help="The API, when it is not the one of this data directory.")] = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Play the demo's devices through the network endpoints, with a live view of rates and alerts.

    Ends with status 1 when something that was sent was not acknowledged.
    """
    settings = settings_for(data_dir)
    state = read_state(data_dir)
    urls = state.urls if state else {}
    base = url or urls.get("api", settings.public_url)
    run = Run(settings, base, _broker(urls.get("mqtt")), name, rate, 60 * minutes, seed)
    told = asyncio.run(play(run, show=not as_json))
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        Console(soft_wrap=True).print(view.summary(told))
    raise typer.Exit(NOT_ACKNOWLEDGED if told["not_acknowledged"] else 0)


async def play(run: Run, *, show: bool) -> dict[str, Any]:
    """Play the run and return its summary. Ends the command with status 2 when there is no demo."""
    logging.getLogger("gmqtt").setLevel(logging.CRITICAL)
    found = await describe(run.settings)
    fleet = Fleet(tuple(thing(told) for told in found["devices"] if told["credential"]))
    if not fleet.things:
        raise fail("NO_SECRETS", "no device's secret is known; run `zhian up --demo` once more")
    operator = next(account["phone"] for account in found["accounts"] if account["role"] == Role.COUNTY_OPERATOR)
    plan = Plan(run.rate, run.seconds, scenario(run.name, fleet), run.seed)
    seen = Seen()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(HttpSender(run.url))
        mqtt = await stack.enter_async_context(MqttSender(*run.mqtt)) if run.mqtt else None
        engine = Engine(fleet, plan, http.send, mqtt.send if mqtt else None)
        feed = asyncio.create_task(follow(run.url, lambda: token_for(run.settings, operator), seen))
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(seen.open.wait(), FEED_SECONDS)
            await _watched(engine, seen, f"{run.name}: {run.rate:g}/s against {run.url}", show=show)
            await asyncio.sleep(LAST_ALERTS_SECONDS)
        finally:
            feed.cancel()
            await asyncio.wait({feed})
    return {**view.report(engine, seen), "retries": http.retries}


async def _watched(engine: Engine, seen: Seen, title: str, *, show: bool) -> None:
    """Run the engine, with a live view on a terminal."""
    work = asyncio.create_task(engine.run())
    console = Console(stderr=True)
    try:
        if show and console.is_terminal:
            clock = asyncio.get_running_loop().time
            with Live(console=console, auto_refresh=False) as shown:
                while not work.done():
                    shown.update(view.live(engine, seen, clock(), title), refresh=True)
                    await asyncio.wait({work}, timeout=REFRESH_SECONDS)
        await work
    finally:
        work.cancel()
        await asyncio.wait({work})


def _broker(url: str | None) -> tuple[str, int] | None:
    """Host and port of ``mqtt://host:port``."""
    found = urlsplit(url or "")
    return (found.hostname, found.port or 1883) if found.hostname else None
