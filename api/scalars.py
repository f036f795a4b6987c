"""Scalars: instants carry a zone on the way in and are UTC on the way out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import strawberry
from strawberry.types.scalar import ScalarDefinition


def _write(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("DateTime is a text")  # noqa: TRY004 - Strawberry reports a ValueError as the caller's mistake
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("DateTime needs a zone, like 2026-01-31T08:00:00+08:00")
    return instant.astimezone(UTC)


DateTime = strawberry.scalar(
    name="DateTime",
    description="An instant: ISO 8601 with a zone; UTC in answers. 带时区的时刻，返回值为 UTC。",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=_write,
    parse_value=_read,
)
SCALARS: dict[object, ScalarDefinition] = {datetime: DateTime}

Since = Annotated[datetime | None, strawberry.argument(name="from", description="Included. 起始时间（含）。")]
Until = Annotated[datetime | None, strawberry.argument(name="to", description="Not included. 结束时间（不含）。")]
"""The two arguments of a span of time."""
