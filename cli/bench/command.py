"""`zhian bench`: measurements against a limit or a peer taken in the same run."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any

import typer
import uvloop

from cli.bench.report import Result, present

app = typer.Typer(no_args_is_help=True, help="Measure against a limit or a peer taken in the same run.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quick = Annotated[bool, typer.Option("--quick", help="Stay under a minute; the figures are rougher.")]


def _run(bench: str, measuring: Coroutine[Any, Any, list[Result]], *, as_json: bool) -> None:
    present(bench, uvloop.run(measuring), as_json=as_json)


@app.command()
def ingest(as_json: Json = False, quick: Quick = False) -> None:
    """Durable records a second: COPY, the recorder, NDJSON, single requests, MQTT."""
    from cli.bench.ingest import measure

    _run("ingest", measure(quick=quick), as_json=as_json)


@app.command()
def growth(as_json: Json = False, quick: Quick = False) -> None:
    """Reads at 100 thousand, 1 million and 13.7 million events: how p95 grows."""
    from cli.bench.growth import measure

    _run("growth", measure(quick=quick), as_json=as_json)


@app.command()
def alert(as_json: Json = False, quick: Quick = False) -> None:
    """Device push to a subscriber's frame under load; one alert to 2,000 sockets."""
    from cli.bench.alert import measure

    _run("alert", measure(quick=quick), as_json=as_json)


@app.command()
def stalled(as_json: Json = False) -> None:
    """Two thousand subscribers that stop reading: memory, how they are closed, and a healthy one's latency."""
    from cli.bench.stalled import measure

    _run("stalled", measure(), as_json=as_json)


@app.command()
def bills(as_json: Json = False, quick: Quick = False) -> None:
    """50,000 bills from a file to charges, and COPY of the same rows."""
    from cli.bench.bills import measure

    _run("bills", measure(quick=quick), as_json=as_json)


@app.command()
def notices(as_json: Json = False, quick: Quick = False) -> None:
    """500 notices of payments at once, half of them duplicates: from a verified notice to its commit."""
    from cli.bench.notices import measure

    _run("notices", measure(quick=quick), as_json=as_json)
