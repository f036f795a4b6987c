"""Whether what this version is built of was looked through lately. Asks nobody: see ``zhian components``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cli.components.reviewed import QUARTER_DAYS, read_review
from cli.doctor.finding import Finding, judged
from integrations.settings import Settings


@dataclass(frozen=True, slots=True)
class ComponentChecks:
    """Checks of the components of this version."""

    settings: Settings

    async def reviewed(self) -> list[Finding]:
        """Components were looked through within the quarter."""
        today, review = datetime.now(UTC).date(), read_review()
        late = review.overdue(today) and self.settings.profile == "production"
        do = f"longer than {QUARTER_DAYS} days: run `make advisories`, or take a newer version"
        return [judged("components", review.said(today), warn=late, do=do)]
