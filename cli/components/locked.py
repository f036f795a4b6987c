"""What is locked: the components of ``uv.lock`` and of the test peers' ``package-lock.json``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LOCK: Final = "uv.lock"
PEERS: Final = "tests/peers/package-lock.json"


@dataclass(frozen=True, slots=True)
class Component:
    """A package at its version. ``ecosystem``: "PyPI" or "npm", as OSV names them. ``direct``: we name it ourselves.

    ``index``: the simple index it comes from, without a slash at its end; "" where there is none to be asked.
    """

    ecosystem: str
    name: str
    version: str
    index: str
    direct: bool

    def __str__(self) -> str:
        """``name version``, as people say it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Locked:
    """``python``: the oldest Python that this version runs on, "3.11"."""

    components: tuple[Component, ...]
    python: str


def read_locked(folder: Path) -> Locked:
    """The components that ``folder`` locks. Raises OSError, ValueError or KeyError where a lock cannot be read."""
    lock = tomllib.loads((folder / LOCK).read_text(encoding="utf-8"))
    found = {*_python(lock)}
    if (peers := folder / PEERS).exists():
        found |= {*_npm(json.loads(peers.read_text(encoding="utf-8")))}
    ordered = sorted(found, key=lambda one: (one.ecosystem, one.name, one.version))
    return Locked(tuple(ordered), lock["requires-python"].removeprefix(">="))


def _python(lock: dict[str, Any]) -> Iterator[Component]:
    direct = set()
    for package in lock["package"]:
        if "registry" in package["source"]:
            continue
        groups = [package.get("dependencies", []), *package.get("dev-dependencies", {}).values()]
        direct |= {needed["name"] for group in groups for needed in group}
    for package in lock["package"]:
        if (index := package["source"].get("registry")) is not None:
            name = package["name"]
            yield Component("PyPI", name, package["version"], index.rstrip("/"), name in direct)


def _npm(lock: dict[str, Any]) -> Iterator[Component]:
    direct = lock["packages"].get("", {}).get("dependencies", {})
    for path, package in lock["packages"].items():
        if path:
            name = package.get("name") or path.rpartition("node_modules/")[2]
            yield Component("npm", name, package["version"], "", name in direct)
