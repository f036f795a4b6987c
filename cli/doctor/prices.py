"""Checks of published prices: who is asked for them, and how old the newest are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select

from cli.demo_world.plant import counties
from cli.doctor.finding import Finding, State, judged
from domain.community.prices.models import Market
from domain.community.prices.rules import SOURCE_ZONE, Source, today_in
from domain.kernel.actor import Scope
from domain.kernel.uow import AnyRow, Database
from integrations.settings import Settings

OLD: Final = timedelta(days=3)
"""Markets close on some days; this long they do not, but at the Spring Festival."""


@dataclass(frozen=True, slots=True)
class PriceChecks:
    """Checks of the sources that settings name."""

    settings: Settings
    database: Database

    async def sources(self) -> list[Finding]:
        """Each source that is asked has answered, and lately."""
        asked = {Source.XINFADI: self.settings.xinfadi_url, Source.MOA: self.settings.moa_url}
        wanted = [source for source, url in asked.items() if url is not None]
        if not wanted:
            return [Finding("prices", State.OK, "no source is asked; the offices enter their own")]
        async with self.database.reader(Scope(counties=await counties(self.database))) as reader:
            rows = await reader.rows(
                select(Market.source, Market.latest_on, Market.fetched_at, Market.failed).where(
                    Market.source.in_([str(source) for source in wanted])
                )
            )
        known = {row.source: row for row in rows}
        today = today_in(SOURCE_ZONE, self.database.clock())
        return [self._one(str(source), known.get(str(source)), today - OLD) for source in wanted]

    @staticmethod
    def _one(source: str, row: AnyRow | None, oldest: date) -> Finding:
        name, do = f"prices {source}", "see `prices.not_fetched` in the worker's log, and whether the address is right"
        if row is None or row.fetched_at is None:
            return Finding(name, State.WARN, "never answered", do)
        said = f"newest of {row.latest_on or 'no day'}, last answered at {row.fetched_at:%Y-%m-%d %H:%M}Z"
        old = row.latest_on is None or row.latest_on < oldest
        return judged(name, f"{said}, then {row.failed}" if row.failed else said, warn=bool(row.failed) or old, do=do)
