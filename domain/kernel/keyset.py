"""The common keyset page: rows in order of their integer id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from domain.kernel.paging import Page, decode_cursor, encode_cursor
from domain.kernel.uow import AnyRow, Reader


async def keyset_page(
    reader: Reader,
    query: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[int],
    *,
    first: int,
    after: str | None,
    newest: bool = False,
) -> Page[AnyRow]:
    """``first`` rows of ``query`` after the cursor ``after``, in order of ``key``, which the rows carry as ``id``.

    newest: the largest first. Raises BadCursor.
    """
    if after is not None:
        last = decode_cursor(after, (int,))[0]
        query = query.where(key < last if newest else key > last)
    rows = await reader.rows(query.order_by(key.desc() if newest else key).limit(first + 1))
    kept = tuple(rows[:first])
    return Page(items=kept, cursors=tuple(encode_cursor(row.id) for row in kept), has_next=len(rows) > first)
