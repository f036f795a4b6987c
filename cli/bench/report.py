"""What a bench prints: every figure, what it was held against in the same run, and whether that is ok."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import typer
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. against: what it is held against, in words with its own figure. ratio: value over that.

    goal: the bound in words, None when the figure is only told. ok: whether the bound holds; None without one.
    """

    name: str
    value: float
    unit: str
    against: str | None = None
    ratio: float | None = None
    goal: str | None = None
    ok: bool | None = None


def at_least(name: str, value: float, unit: str, peer: tuple[str, float], goal: float) -> Result:
    """A figure that must reach ``goal`` times the peer's."""
    words, other = peer
    ratio = value / other if other else 0.0
    return Result(name, round(value, 1), unit, f"{words}: {other:,.0f}", round(ratio, 3), f">= {goal}", ratio >= goal)


def at_most(name: str, value: float, unit: str, goal: float) -> Result:
    """A figure that must stay within ``goal``."""
    ratio = value / goal
    return Result(name, round(value, 2), unit, f"goal: {goal:g}", round(ratio, 3), f"<= {goal:g} {unit}", value <= goal)


def beside(name: str, value: float, unit: str, limit: tuple[str, float]) -> Result:
    """A figure without a bound, and what there is at best."""
    words, best = limit
    return Result(name, round(value, 2), unit, f"{words}: {best:,.0f}", round(value / best, 3) if best else None)


def told(name: str, value: float, unit: str) -> Result:
    """A figure without a bound."""
    return Result(name, round(value, 2), unit)


def present(bench: str, results: list[Result], *, as_json: bool) -> None:
    """Print ``results``; ends with status 1 when a bound does not hold."""
    if as_json:
        typer.echo(json.dumps({"bench": bench, "results": [asdict(r) for r in results]}, ensure_ascii=False))
    else:
        table = Table(title=f"zhian bench {bench}", title_justify="left")
        for column in ("figure", "value", "against", "ratio", "goal", "ok"):
            table.add_column(column, justify="right" if column in ("value", "ratio") else "left")
        for r in results:
            mark = {True: "[green]yes", False: "[red]no", None: ""}[r.ok]
            ratio = "" if r.ratio is None else f"{r.ratio:.3f}"
            table.add_row(r.name, f"{r.value:,.1f} {r.unit}", r.against or "", ratio, r.goal or "", mark)
        Console().print(table)
    if any(r.ok is False for r in results):
        raise typer.Exit(1)
