"""How ``zhian audit`` shows what it found."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from rich.table import Table

from domain.identity.audit.actions import told
from domain.identity.audit.reading import Row
from domain.identity.audit.rules import line_of, numbered
from domain.identity.audit.verification import ChainReport
from domain.kernel.acts import AREAS, instant

COLUMNS = (
    "chain", "sequence", "at", *AREAS, "homes", "actor", "roles", "account_id", "session_id", "action", "object_type",
    "object_id", "details", "request_id", "previous", "hash",
)  # fmt: skip


class Format(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    CSV = "csv"

    def head(self) -> list[str]:
        """The lines before the first entry."""
        return [",".join(COLUMNS) + "\r\n"] if self is Format.CSV else []


def report(found: Sequence[ChainReport], seconds: float, *, as_json: bool) -> Iterator[str]:
    """The lines of a verification."""
    rows = sum(chain.rows for chain in found)
    if as_json:
        yield json.dumps({"rows": rows, "seconds": round(seconds, 3), "chains": [asdict(c) for c in found]}, indent=1)
        return
    for chain in found:
        for each in chain.findings:
            where = f"row {each.first}" if each.first >= each.last else f"rows {each.first} to {each.last}"
            yield f"chain {each.chain}, {where}: {each.kind}: {each.said}"
        if chain.uncounted:
            yield f"chain {chain.chain}: {chain.uncounted} more"
    wrong = sum(len(chain.findings) + chain.uncounted for chain in found)
    unsigned = sum(max(0, chain.rows - chain.signed_to) for chain in found)
    speed = rows / seconds if seconds else 0.0
    yield f"{len(found)} chains, {rows} rows, {wrong} findings; {unsigned} rows not signed yet; {speed:,.0f} rows/s"


def entry(row: Row) -> dict[str, Any]:
    """An entry as a JSON object."""
    said: dict[str, Any] = json.loads(numbered(row["chain"], row["sequence"], line_of(row)))
    return said | {"previous": row["previous"].hex(), "hash": row["hash"].hex()}


def table(rows: Iterable[Row]) -> Table:
    """Entries for people."""
    shown = Table("at", "chain", "no.", "actor", "action", "object", "details", box=None)
    for row in rows:
        who = row["actor"] if row["account_id"] is None else f"{row['account_id']} ({', '.join(row['roles'])})"
        what = " ".join(part for part in (row["object_type"], row["object_id"]) if part)
        at = f"{row['at']:%Y-%m-%d %H:%M:%S}Z"
        action = f"{row['action']}: {told(row['action'], 'en')}"
        shown.add_row(at, str(row["chain"]), str(row["sequence"]), who, action, what, row["details"])
    return shown


def lines(rows: Sequence[Row], form: Format) -> Iterator[str]:
    """Entries as lines of an export."""
    if form is Format.JSONL:
        for row in rows:
            line = numbered(row["chain"], row["sequence"], line_of(row)).decode()
            yield f'{line[:-1]},"previous":"{row["previous"].hex()}","hash":"{row["hash"].hex()}"}}\n'
        return
    text = io.StringIO()
    csv.writer(text).writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
    yield text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return " ".join(map(str, value))
    return instant(value) if hasattr(value, "isoformat") else value
