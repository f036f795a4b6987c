"""When components were last looked through, in a file that is committed with what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("reviewed.json")
QUARTER_DAYS: Final = 92
"""How often components are looked through, as docs/security.md says."""


@dataclass(frozen=True, slots=True)
class Review:
    """Days on which each question was last answered; None = never.

    ``accepted``: why an advisory, by id, does not concern us, or a component, by name, cannot be newer.
    """

    advisories: date | None
    releases: date | None
    accepted: dict[str, str]

    def overdue(self, today: date) -> bool:
        """Whether one of the questions was not answered within the quarter."""
        return any(asked is None or (today - asked).days > QUARTER_DAYS for asked in (self.advisories, self.releases))

    def said(self, today: date) -> str:
        """When, in words."""
        words = {"advisories": self.advisories, "releases": self.releases}
        return ", ".join(
            f"{name} {'never asked for' if asked is None else f'looked through {(today - asked).days} days ago'}"
            for name, asked in words.items()
        )


def read_review(file: Path = FILE) -> Review:
    """The last review. Raises OSError, ValueError or KeyError when the file is not as it was written."""
    said = json.loads(file.read_text(encoding="utf-8"))
    advisories, releases = (
        None if said[name] is None else date.fromisoformat(said[name]) for name in ("advisories", "releases")
    )
    return Review(advisories, releases, dict(said["accepted"]))


def write_review(review: Review, file: Path = FILE) -> None:
    """Replace the file."""
    said = {
        "advisories": None if review.advisories is None else review.advisories.isoformat(),
        "releases": None if review.releases is None else review.releases.isoformat(),
        "accepted": review.accepted,
    }
    file.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
