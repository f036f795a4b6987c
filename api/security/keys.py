"""The rest of global ids of rows whose key has several parts: "<compound>.<id>", "<compound>.<at in µs>.<id>"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.nodes import integer, parse_global_id
from domain.kernel.errors import NotFound

MOST_BIGINT = 2**63 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_MICROSECONDS = (datetime(9999, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def dated(compound_id: int, at: datetime, row_id: int) -> str:
    """The rest of a row that stands in a partition: its time is part of its name."""
    return f"{compound_id}.{(at - EPOCH) // timedelta(microseconds=1)}.{row_id}"


def read_dated(rest: str) -> tuple[int, datetime, int]:
    """Compound id, time and id. Raises NotFound."""
    parts = rest.split(".")
    if len(parts) != 3:
        raise NotFound(field="id")
    at = EPOCH + timedelta(microseconds=integer(parts[1], most=MOST_MICROSECONDS))
    return integer(parts[0]), at, integer(parts[2], most=MOST_BIGINT)


def read_pair(rest: str, *, field: str = "id") -> tuple[int, int]:
    """Compound id and id. Raises NotFound."""
    compound, separator, row = rest.partition(".")
    if not separator:
        raise NotFound(field=field)
    return integer(compound, field=field), integer(row, field=field, most=MOST_BIGINT)


def alert_key(value: str, *, field: str = "id") -> tuple[int, int]:
    """The key behind an alert's global id. Raises NotFound."""
    type_name, rest = parse_global_id(value, field=field)
    if type_name != "Alert":
        raise NotFound(field=field)
    return read_pair(rest, field=field)
