"""The live view of a run, and its summary."""

from __future__ import annotations

from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.simulate.alerts import Seen
from cli.simulate.engine import Engine
from cli.simulate.tally import RECENT_SECONDS, percentile

_COLOURS = {"INFO": "cyan", "WARNING": "yellow", "MAJOR": "magenta", "CRITICAL": "bold red"}


def live(engine: Engine, seen: Seen, now: float, title: str) -> RenderableType:
    """What happens at this moment."""
    return Group(
        Text(title, style="bold"),
        ProgressBar(total=1.0, completed=engine.progress, width=60),
        Columns([_rates(engine, now), _outcomes(engine)], padding=(0, 4)),
        *(Text(f"! {words}", style="bold yellow") for words in engine.told),
        _alerts(seen),
    )


def _rates(engine: Engine, now: float) -> Table:
    table = Table("sent", "a second", "in all", box=None)
    rates = engine.tally.rates(now)
    for kind, count in sorted(engine.tally.kinds.items()):
        table.add_row(kind, f"{rates[kind] / RECENT_SECONDS:.1f}", str(count))
    table.add_row("all", f"{rates.total() / RECENT_SECONDS:.1f}", str(engine.tally.sent), style="bold")
    return table


def _outcomes(engine: Engine) -> Table:
    tally = engine.tally
    table = Table("answer", "", box=None)
    for outcome, count in sorted(tally.outcomes.items()):
        table.add_row(outcome, str(count))
    table.add_row("under way", str(tally.under_way))
    for share in (0.5, 0.99):
        table.add_row(f"p{share * 100:.0f}", f"{1000 * percentile(tally.seconds[-1000:], share):.1f} ms")
    return table


def _alerts(seen: Seen) -> Table:
    table = Table("", "alert", "where", "why", box=None, title_justify="left")
    for item in seen.latest:
        alert = item["alert"]
        compound = (alert.get("compound") or {}).get("name", "")
        colour = _COLOURS.get(str(alert["severity"]), "")
        words = alert["explanation"]["text"]
        table.add_row(item["change"], Text(alert["kind"], colour), f"{compound} {alert['place']}", words)
    if seen.error:
        table.add_row("", Text(f"the alert feed is not open: {seen.error}", "red"))
    return table


def report(engine: Engine, seen: Seen) -> dict[str, Any]:
    """The summary as one object."""
    alerts = {
        "seen": seen.total,
        "by_change": dict(sorted(seen.changes.items())),
        "raised_by_kind": dict(sorted(seen.kinds.items())),
        "feed_error": seen.error or None,
    }
    return {**engine.tally.summary(), "alerts": alerts}


def summary(told: dict[str, Any]) -> Table:
    """The summary as a table."""
    table = Table(title="Simulation", title_justify="left", show_header=False, box=None)
    table.add_row("sent", f"{told['sent']} messages, {told['records']} records")
    table.add_row("acknowledged", str(told["acknowledged"]))
    missing = told["not_acknowledged"]
    table.add_row("not acknowledged", str(missing), style="bold red" if missing else "")
    table.add_row("sent again", str(told["retries"]))
    table.add_row("answers", _counts(told["by_outcome"]))
    table.add_row("kinds", _counts(told["by_kind"]))
    table.add_row("push to acknowledgement", f"p50 {told['ack_ms']['p50']} ms, p99 {told['ack_ms']['p99']} ms")
    alerts = told["alerts"]
    table.add_row("alert feed", f"{alerts['seen']} items: {_counts(alerts['by_change'])}")
    table.add_row("alerts raised", _counts(alerts["raised_by_kind"]))
    if alerts["feed_error"]:
        table.add_row("alert feed", alerts["feed_error"], style="red")
    return table


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
