"""``zhian components``: asks about every locked component, and ends with a status that a release can depend on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from rich.console import Console

from cli.components.advisories import OSV, advisories
from cli.components.asking import Unanswered, client
from cli.components.locked import Locked, read_locked
from cli.components.releases import Standing, standing
from cli.components.reviewed import FILE, QUARTER_DAYS, Review, read_review, write_review
from cli.running import fail

FOUND: Final = 1
NOT_KNOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it, a line each. ``unanswered``: who could not be asked; whatever they know is missing here.

    ``weak``: advisories that concern us. ``behind``: direct components of which a newer release has been out for longer
    than the quarter. ``accepted``: those of both that somebody has judged, with the reason.
    """

    components: int
    weak: list[str]
    withdrawn: list[str]
    accepted: list[str]
    behind: list[str]
    unanswered: list[str]

    @property
    def status(self) -> int:
        """0: nothing found, all asked. FOUND: something is to be done. NOT_KNOWN: somebody did not answer."""
        if self.weak or self.withdrawn:
            return FOUND
        return NOT_KNOWN if self.unanswered else 0


def command(
    folder: Annotated[Path, typer.Option(help="Where uv.lock is.")] = Path(),
    osv: Annotated[str, typer.Option(envvar="ZHIAN_OSV_URL", help="OSV, or a mirror of it.")] = OSV,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Write down that they were looked through today.")] = False,
) -> None:
    """Ask for known weaknesses, withdrawn and overdue releases. Status 1: found some; 3: somebody did not answer."""
    try:
        found, review = read_locked(folder), read_review()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise fail("NO_LOCK", f"components cannot be read: {type(error).__name__} {error}") from error
    now = datetime.now(UTC)
    report, fresh = asyncio.run(examined(found, review, osv=osv, now=now))
    if record:
        write_review(fresh)
    _tell(report, fresh if record else review, now, as_json=as_json)
    raise typer.Exit(report.status)


async def examined(
    found: Locked, review: Review, *, osv: str, now: datetime, http: Callable[[], httpx.AsyncClient] = client
) -> tuple[Report, Review]:
    """What is to be said of ``found``, and the review with the day on which it was said: a question that found
    something, or that somebody did not answer, is not done with.
    """
    unanswered: list[str] = []
    async with http() as asking:
        try:
            known = await advisories(asking, osv, found.components)
        except Unanswered as error:
            unanswered.append(f"advisories: {error}")
            known = []
        stood, silent = await _standings(asking, found)
    unanswered += silent
    late = [(each.component.name, _behind(each, now)) for each in stood if _overdue(each, now)]
    gone = [f"{each.component}: withdrawn, {each.withdrawn}" for each in stood if each.withdrawn is not None]
    weak, harmless = _sorted(review, [(advisory.ids, str(advisory)) for advisory in known])
    behind, held = _sorted(review, [((name,), said) for name, said in late])
    report = Report(len(found.components), weak, gone, harmless + held, behind, unanswered)
    fresh = review
    if not weak and not any(said.startswith("advisories: ") for said in unanswered):
        fresh = replace(fresh, advisories=now.date())
    if not gone and not silent:
        fresh = replace(fresh, releases=now.date())
    return report, fresh


def _sorted(review: Review, found: Sequence[tuple[Sequence[str], str]]) -> tuple[list[str], list[str]]:
    """What is to be done something about; and what was accepted by one of its names, with the reason."""
    to_do, accepted = [], []
    for names, said in found:
        reasons = [review.accepted[name] for name in names if name in review.accepted]
        if reasons:
            accepted.append(f"{said}; accepted: {reasons[0]}")
        else:
            to_do.append(said)
    return to_do, accepted


async def _standings(asking: httpx.AsyncClient, found: Locked) -> tuple[list[Standing], list[str]]:
    """How each stands at its index; and why that is not known, told once for each index."""
    there = [component for component in found.components if component.index]
    answers = await asyncio.gather(
        *(standing(asking, component, python=found.python) for component in there), return_exceptions=True
    )
    stood: list[Standing] = []
    silent: dict[str, str] = {}
    for component, answer in zip(there, answers, strict=True):
        if isinstance(answer, Standing):
            stood.append(answer)
        elif isinstance(answer, Unanswered):
            silent.setdefault(component.index, f"releases: {answer}")
        else:
            raise answer
    return stood, list(silent.values())


def _overdue(each: Standing, now: datetime) -> bool:
    since = each.behind_since
    return each.component.direct and since is not None and now - since > timedelta(days=QUARTER_DAYS)


def _behind(each: Standing, now: datetime) -> str:
    assert each.behind_since is not None  # noqa: S101 - it is overdue
    return f"{each.component}: {each.newest} is out; behind for {(now - each.behind_since).days} days"


def _tell(report: Report, review: Review, now: datetime, *, as_json: bool) -> None:
    if as_json:
        said = {
            "components": report.components,
            "advisories": report.weak,
            "withdrawn": report.withdrawn,
            "accepted": report.accepted,
            "behind": report.behind,
            "unanswered": report.unanswered,
            "overdue": review.overdue(now.date()),
        }
        print(json.dumps(said, ensure_ascii=False, indent=1))
        return
    console = Console(soft_wrap=True, highlight=False)
    lines: Sequence[tuple[str, str, list[str]]] = (
        ("bold red", "fail", report.weak + report.withdrawn),
        ("bold red", "not known", report.unanswered),
        ("yellow", "warn", report.behind + report.accepted),
    )
    for style, word, texts in lines:
        for text in texts:
            console.print(f"{word}  ", style=style, end="")
            console.print(text, markup=False)
    if report.status == 0:
        console.print(f"{report.components} components: no known weakness, none withdrawn")
    if review.overdue(now.date()):
        console.print("warn  ", style="yellow", end="")
        console.print(f"{review.said(now.date())}; the quarter is {QUARTER_DAYS} days: --record ({FILE.name})")
