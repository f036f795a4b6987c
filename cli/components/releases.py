"""Whether a locked release was withdrawn, and since when a newer one could have been taken: asked of its own index.

The index speaks JSON with upload times (PEP 691 and 700), as PyPI and its mirrors do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from cli.components.asking import Unanswered, asked
from cli.components.locked import Component

JSON: Final = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, slots=True)
class Standing:
    """``withdrawn``: why the release was yanked, None when it was not. ``newest``: the newest one that we could take,
    None when it is ours; ``behind_since``: when the first one after ours came out.
    """

    component: Component
    withdrawn: str | None
    newest: str | None
    behind_since: datetime | None


@dataclass(frozen=True, slots=True)
class _File:
    version: Version
    at: datetime
    yanked: str | None
    python: SpecifierSet


async def standing(http: httpx.AsyncClient, component: Component, *, python: str) -> Standing:
    """How ``component`` stands at its index, for those who run ``python``. Raises Unanswered."""
    url = f"{component.index}/{component.name}/"
    said = await asked(http, "GET", url, headers={"Accept": JSON}, follow_redirects=True)
    try:
        files = [made for each in said["files"] if (made := _file(each)) is not None]
    except (KeyError, TypeError, ValueError) as error:
        raise Unanswered(f"{url} answers without upload times (PEP 700)") from error
    return _judge(component, files, python)


def _judge(component: Component, files: Iterable[_File], python: str) -> Standing:
    ours = Version(component.version)
    own = [file for file in files if file.version == ours]
    whole = [file for file in own if file.yanked is None]
    withdrawn = None if whole else (own[0].yanked if own else "it is not there any more")
    later = [
        file
        for file in files
        if file.version > ours
        and not file.version.is_prerelease
        and file.yanked is None
        and file.python.contains(python)
    ]
    newest = max((file.version for file in later), default=None)
    since = min((file.at for file in later), default=None)
    return Standing(component, withdrawn, None if newest is None else str(newest), since)


def _file(said: dict[str, Any]) -> _File | None:
    """A file of the index; None for one of a kind that nobody installs any more. Raises KeyError, ValueError."""
    version = _version(said["filename"])
    if version is None:
        return None
    yanked = said.get("yanked", False)
    try:
        python = SpecifierSet(said.get("requires-python") or "")
    except InvalidSpecifier:
        python = SpecifierSet()
    return _File(
        version=version,
        at=datetime.fromisoformat(said["upload-time"]),
        yanked=None if yanked is False else (yanked if isinstance(yanked, str) and yanked else "no reason given"),
        python=python,
    )


def _version(filename: str) -> Version | None:
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[1]
        return parse_sdist_filename(filename)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
