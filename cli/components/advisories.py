"""Known weaknesses, from OSV (https://google.github.io/osv.dev/api/): one database for PyPI and npm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from packaging.utils import canonicalize_name

from cli.components.asking import Unanswered, asked
from cli.components.locked import Component

OSV: Final = "https://api.osv.dev"
BATCH: Final = 1000
PAGES: Final = 20


@dataclass(frozen=True, slots=True)
class Advisory:
    """A weakness of a component. ``ids``: its own and those others gave it. ``fixed``: versions that mend it."""

    component: Component
    ids: tuple[str, ...]
    fixed: tuple[str, ...]
    published: str
    summary: str

    def __str__(self) -> str:
        """One line: what, which, where it is mended."""
        mended = f"fixed in {', '.join(self.fixed)}" if self.fixed else "not fixed anywhere yet"
        return f"{self.component}: {', '.join(self.ids)}, {mended}, known since {self.published}: {self.summary}"


async def advisories(http: httpx.AsyncClient, url: str, components: Sequence[Component]) -> list[Advisory]:
    """Every weakness of ``components`` that OSV at ``url`` knows and has not withdrawn. Raises Unanswered."""
    known: dict[str, dict[str, Any]] = {}
    found = []
    for component, name in await _named(http, url.rstrip("/"), components):
        if name not in known:
            known[name] = await asked(http, "GET", f"{url.rstrip('/')}/v1/vulns/{name}")
        if "withdrawn" not in known[name]:
            found.append(_advisory(component, known[name]))
    return found


async def _named(http: httpx.AsyncClient, url: str, components: Sequence[Component]) -> list[tuple[Component, str]]:
    """Components and the ids of their weaknesses."""
    found: list[tuple[Component, str]] = []
    waiting = [(component, "") for component in components]
    for _ in range(PAGES * (1 + len(waiting) // BATCH)):
        if not waiting:
            return found
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        queries = [_query(component, page) for component, page in batch]
        said = await asked(http, "POST", f"{url}/v1/querybatch", json={"queries": queries})
        results = said.get("results")
        if not isinstance(results, list) or len(results) != len(batch):
            raise Unanswered(f"{url} answers {len(batch)} questions with something else")
        for (component, _page), result in zip(batch, results, strict=True):
            found += [(component, vulnerability["id"]) for vulnerability in result.get("vulns", ())]
            if page := result.get("next_page_token"):
                waiting.append((component, page))
    raise Unanswered(f"{url} has no last page")


def _query(component: Component, page: str) -> dict[str, Any]:
    package = {"ecosystem": component.ecosystem, "name": component.name}
    return {"package": package, "version": component.version} | ({"page_token": page} if page else {})


def _advisory(component: Component, said: dict[str, Any]) -> Advisory:
    ranges = [
        events
        for affected in said.get("affected", ())
        if _same(component, affected.get("package", {}))
        for events in affected.get("ranges", ())
        if events.get("type") != "GIT"
    ]
    fixed = {event["fixed"] for events in ranges for event in events.get("events", ()) if "fixed" in event}
    return Advisory(
        component=component,
        ids=(said["id"], *said.get("aliases", ())),
        fixed=tuple(sorted(fixed)),
        published=said.get("published", "")[:10] or "an unknown day",
        summary=said.get("summary") or said.get("details", "").partition("\n")[0][:200] or "no words",
    )


def _same(component: Component, package: dict[str, Any]) -> bool:
    said = package.get("name", "")
    if component.ecosystem == "PyPI":
        return canonicalize_name(said) == component.name
    return bool(said == component.name)
