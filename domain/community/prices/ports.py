"""What prices need from outside: sources that publish them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from domain.community.prices.rules import IndexValue, Quote, Source


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source has for some days. refused: lines of it that could not be understood."""

    quotes: tuple[Quote, ...] = ()
    indices: tuple[IndexValue, ...] = ()
    refused: int = 0


class PriceSourcePort(Protocol):
    """A source of prices. It is asked by a job, once a day, and never on anybody's request."""

    @property
    def source(self) -> Source:
        """Which one it is."""
        ...

    @property
    def market(self) -> str:
        """What its market is called."""
        ...

    async def fetch(self, first: date, last: date) -> Fetched:
        """What it has for the days from ``first`` to ``last``; nothing on days without a market.

        Raises Unavailable when it does not answer, or not in its own format.
        """
        ...
