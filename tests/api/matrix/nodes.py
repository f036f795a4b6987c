"""Every node type read by everybody in every place: answered, or exactly as if it had never been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.permissions import LEAVES, NODES
from tests.api.matrix.cast import ACTORS, Standing, Who
from tests.api.matrix.documents import node_document
from tests.api.matrix.reach import leaf_opens, reaches
from tests.api.matrix.rows import Row
from tests.api.matrix.stage import REFUSED, Stage

PRIVATE = {"Event.attributes": "person_no"}
"""Leaves that are not null but poorer for those who may not know, and what is then missing."""


async def check_node(stage: Stage, type_name: str, actors: Sequence[Who] = ACTORS) -> None:
    """Note in ``stage.odd`` what differs from the policy table."""
    rows = stage.seeded.of(type_name)
    ids = list(dict.fromkeys([*map(stage.id_of, rows), *(stage.ghost_of(type_name, row.key) for row in rows)]))
    alias = {id: f"n{n}" for n, id in enumerate(ids)}
    document, variables = node_document(type_name, len(ids)), {f"i{n}": id for n, id in enumerate(ids)}
    for who in actors:
        answer = await stage.ask(who, document, **variables)
        nobody = who.standing is not Standing.ANONYMOUS and answer.errors == [REFUSED]
        for row in rows:
            pair = (stage.id_of(row), stage.ghost_of(type_name, row.key))
            told, never = (REFUSED, REFUSED) if nobody else (answer.told(alias[id]) for id in pair)
            note(stage, who, row, told, never)


def note(stage: Stage, who: Who, row: Row, told: Any, never: Any) -> None:
    """Hold one answer against the table; ``never``: what was answered for a row that never was."""
    assert row.shown_as is not None
    name = f"{who.name}: {row.shown_as} {row.number} of {row.place}{' (gone)' if row.gone else ''}"
    seen = isinstance(told, dict) and "id" in told
    if seen != reaches(who, NODES[row.shown_as], row):
        stage.odd.append(f"{name} {'is' if seen else 'is not'} shown")
    elif not seen and told != never:
        stage.odd.append(f"{name} is told {told}, and {never} of what never was")
    elif not seen and (told or {}).get("extensions", {}).get("code") != refusal(who):
        stage.odd.append(f"{name} is told {told}")
    elif seen:
        note_leaves(stage, who, row, told, name)


def refusal(who: Who) -> str:
    """The code with which ``who`` is refused."""
    return "NOT_FOUND" if who.standing is Standing.GOOD else "UNAUTHENTICATED"


def note_leaves(stage: Stage, who: Who, row: Row, told: dict[str, Any], name: str) -> None:
    """Hold the sensitive leaves of an answered row against the table."""
    for leaf in LEAVES:
        kind, _, field = leaf.partition(".")
        if kind != row.shown_as:
            continue
        value = told[field]
        opened = PRIVATE[leaf] in value if leaf in PRIVATE else value is not None
        if opened != leaf_opens(who, leaf, row):
            stage.odd.append(f"{name} {'shows' if opened else 'does not show'} {field}")
