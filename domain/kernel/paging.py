"""Keyset pages and log cursors.

A cursor is opaque to clients: url-safe base64 of a JSON list of the sort key's values. Lists are keyset connections
(``first`` ≤ 100), never offsets.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from domain.kernel.errors import Conflict, Invalid, Messages

MAX_PAGE = 100

T = TypeVar("T")


class BadCursor(Invalid):
    """A cursor that was not made here."""

    code = "BAD_CURSOR"
    messages: ClassVar[Messages] = {"zh-CN": "游标无效", "en": "The cursor is not valid"}


class BadPageSize(Invalid):
    """``first`` outside 1..100."""

    code = "BAD_PAGE_SIZE"
    messages: ClassVar[Messages] = {
        "zh-CN": "每页数量须在 1 到 {most} 之间",
        "en": "Page size must be between 1 and {most}",
    }


def encode_cursor(*parts: int | str | datetime) -> str:
    """The opaque cursor of a sort key."""
    plain = [p.astimezone(UTC).isoformat() if isinstance(p, datetime) else p for p in parts]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """The sort key behind ``cursor``; ``kinds`` are the expected types (int, str or datetime).

    Raises BadCursor for anything not made by ``encode_cursor`` with these kinds.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise BadCursor
        values: list[Any] = []
        for part, kind in zip(parts, kinds, strict=True):
            if kind is datetime:
                value = datetime.fromisoformat(part)
                if value.tzinfo is None:
                    raise BadCursor
                values.append(value.astimezone(UTC))
            elif type(part) is kind and (not isinstance(part, int) or -(2**63) <= part < 2**63):
                values.append(part)
            else:
                raise BadCursor
    except (ValueError, TypeError, OverflowError, binascii.Error, UnicodeError, RecursionError) as error:
        raise BadCursor from error
    return values


def page_size(first: int | None, default: int = 20) -> int:
    """The checked page size."""
    size = default if first is None else first
    if not 1 <= size <= MAX_PAGE:
        raise BadPageSize(field="first", most=MAX_PAGE)
    return size


class StaleCursor(Conflict):
    """A cursor of a log that was put back since, from a backup: what it points behind may never have been."""

    code = "STALE_CURSOR"
    messages: ClassVar[Messages] = {
        "zh-CN": "数据已从备份恢复，请重新加载并重新订阅",
        "en": "The data was restored from a backup; load it anew and subscribe without a cursor",
    }


@dataclass(frozen=True, slots=True)
class LogCursor:
    """A place in an append-only log: the writing transaction and the row.

    Read onward with ``(xid, id) > cursor and xid < pg_snapshot_xmin(pg_current_snapshot())``: ids commit out of
    order, so ``id > last`` would miss rows. epoch: which life of the log it is of; a restored one begins another, in
    which the same transaction ids are given out again. 0: the first, and what cursors without it are of.
    """

    xid: int
    id: int
    epoch: int = 0

    def encode(self) -> str:
        """The opaque cursor of this place."""
        return encode_cursor(self.xid, self.id, self.epoch) if self.epoch else encode_cursor(self.xid, self.id)

    @classmethod
    def decode(cls, cursor: str) -> LogCursor:
        """The place behind a cursor. Raises BadCursor."""
        try:
            place = cls(*decode_cursor(cursor, (int, int)))
        except BadCursor:
            place = cls(*decode_cursor(cursor, (int, int, int)))
        if min(place.xid, place.id, place.epoch) < 0:
            raise BadCursor
        return place


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a keyset connection: items with their cursors, and whether more follow."""

    items: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool
