"""Live feeds heard by everybody from the beginning: just the items of the rows they reach."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from api.permissions import NODES, ROOTS
from domain.kernel.errors import Unauthenticated
from domain.kernel.paging import encode_cursor
from tests.api.matrix.cast import ACTORS, Who
from tests.api.matrix.documents import core_type, root_document, roots
from tests.api.matrix.nodes import refusal
from tests.api.matrix.reach import reaches
from tests.api.matrix.rows import Row
from tests.api.matrix.stage import OPENED, Stage
from tests.api.matrix.targets import Unfilled, representatives
from tests.factories.api import schema
from tests.factories.patience import PATIENCE

START = encode_cursor(0, 0)
SILENCE = 0.3
AT_ONCE = 20
"""Listeners, each with a connection for the area it asked for."""
NARROWING = {"area", "device"}
LOGGED = {"alert": "alert_change"}
"""The log whose entries tell of a table's rows, where it is not the table itself."""


def item_of(root: str) -> tuple[str, str]:
    """The field of a feed's item that is the row, and its type."""
    field = roots("Subscription")[root.partition(".")[2]]
    if odd := field.args.keys() - NARROWING - {"after"}:
        raise Unfilled(f"{root} takes {sorted(odd)}")
    for name, member in core_type(get_named_type(field.type).name).fields.items():
        kind = get_named_type(member.type)
        if isinstance(kind, GraphQLObjectType) and kind.name in NODES:
            return name, kind.name
    raise Unfilled(f"{root} has no row in its items")


def entry_of(row: Row) -> Row:
    """The entry of the log that tells of a row."""
    return replace(row, table=LOGGED.get(row.table, row.table))


async def check_feed(stage: Stage, root: str, actors: Sequence[Who] = ACTORS) -> None:
    """Note in ``stage.odd`` what differs from the table. Many listen at once: they wait for silence together."""
    member, type_name = item_of(root)
    waiting: list[Coroutine[Any, Any, None]] = []
    for who in actors:
        if not who.roles & ROOTS[root].roles:
            waiting.append(_hear(stage, who, root, member, None, None))
            continue
        rows = [row for row in stage.seeded.of(type_name) if reaches(who, NODES[type_name], entry_of(row))]
        waiting.append(_hear(stage, who, root, member, None, rows))
        for area in representatives(who, stage.seeded.of("Area"), fine=False):
            inside = [row for row in rows if row.place.startswith(area.place)]
            heard = inside if reaches(who, NODES["Area"], area) else None
            waiting.append(_hear(stage, who, root, member, area, heard))
    for n in range(0, len(waiting), AT_ONCE):
        await asyncio.gather(*waiting[n : n + AT_ONCE])


async def _hear(stage: Stage, who: Who, root: str, member: str, area: Row | None, rows: list[Row] | None) -> None:
    """One subscription; ``rows``: what it should tell, None when it should be refused."""
    try:
        context = await stage.context(who)
    except Unauthenticated:
        return
    variables: dict[str, Any] = {"after": START} | ({"area": stage.id_of(area)} if area is not None else {})
    document = root_document("Subscription", root.partition(".")[2], tuple(variables), hops=1)
    stream: Any = await schema().subscribe(document, variable_values=variables, context_value=context)
    told: list[str] = []
    name = f"{who.name}: {root} of {area.place if area else 'everything'}"
    opened = asyncio.Event()
    OPENED.set(opened)
    coming: asyncio.Task[Any] | None = None
    try:
        while True:
            coming = asyncio.create_task(anext(stream))
            await _first(coming, opened)
            patient = rows is not None and len(told) < len(rows)
            done, _ = await asyncio.wait([coming], timeout=PATIENCE if patient else SILENCE)
            if not done:
                raise TimeoutError
            result = coming.result()
            if result.errors:
                codes = [error.extensions["code"] for error in result.errors]
                expected = refusal(who) if area is None else "NOT_FOUND"
                if rows is not None or codes != [expected]:
                    stage.odd.append(f"{name} answers {codes}")
                return
            stage.scan(who, json.dumps(result.data, default=str))
            told.append(next(iter(result.data.values()))[member]["id"])
    except TimeoutError:
        if rows is None:
            stage.odd.append(f"{name} is open")
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await stream.aclose()
        await context.close()
    if sorted(told) != sorted(stage.id_of(row) for row in rows or ()):
        stage.odd.append(f"{name} tells {len(told)} items, not just the {len(rows or ())} it should")


async def _first(coming: asyncio.Task[Any], opened: asyncio.Event) -> None:
    """Return when the subscription was let in or has answered."""
    let_in = asyncio.create_task(opened.wait())
    try:
        await asyncio.wait([coming, let_in], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    finally:
        let_in.cancel()
