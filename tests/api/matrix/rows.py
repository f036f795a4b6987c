"""What the seeded world holds: its rows, and the canaries in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

CANARY = re.compile(r"canary-\w+-\w+-\w+-\d+|CANARY-\d{4}|CA9A[0-9A-F]{8}|\+861390000\d{4}|\b[0-9a-f]{64}\b")
"""Everything that can be a canary: words, plates, tags, phones, digests of pictures."""


@dataclass(frozen=True)
class Row:
    """A row of the database as the world knows it.

    shown_as: the node type, or the sensitive leaf, under whose rule it is shown; None = to nobody. key: what the global
    id says after its type; "" when it cannot be read by ``node(id)``. place: name of the area or home it stands in.
    owner: name of the person it is of. gone: retired, ended, revoked or removed. number: its id. facts: what else a
    case must know of it.
    """

    table: str
    shown_as: str | None
    place: str
    key: str = ""
    number: int = 0
    owner: str | None = None
    gone: bool = False
    audience: frozenset[str] = frozenset()
    facts: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)

    @property
    def home(self) -> str | None:
        """The home it stands in, if it does."""
        return self.place if "/" in self.place else None

    @property
    def compound(self) -> str | None:
        """The compound it stands in, if it does."""
        compound = self.place.partition("/")[0]
        return compound if len(compound) == 4 else None


@dataclass(frozen=True)
class Mark:
    """Where a canary stands."""

    row: Row
    column: str


@dataclass
class Seeded:
    """The world's rows, who they are of, and every canary with the places where it stands.

    accounts, tokens: by a person's name. now: the instant of the world's clock, at which it stands still.
    """

    now: datetime
    areas: dict[str, int] = field(default_factory=dict)
    homes: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    canaries: dict[str, list[Mark]] = field(default_factory=dict)

    def of(self, node: str) -> list[Row]:
        """The rows that ``node(id)`` may read as ``node``."""
        return [row for row in self.rows if row.shown_as == node and row.key]

    def word(self, place: str, table: str, column: str) -> str:
        """A new canary."""
        return f"canary-{place.partition('/')[0]}-{table}-{column.replace('.', '_')}-{len(self.canaries)}"

    def mark(self, canary: str, row: Row, column: str) -> None:
        """``canary`` stands in ``column`` of ``row``."""
        self.canaries.setdefault(canary, []).append(Mark(row, column))

    def add(self, row: Row, **columns: str) -> Row:
        """Keep a row, with the canaries in its columns."""
        self.rows.append(row)
        for column, canary in columns.items():
            self.mark(canary, row, column)
        return row
