"""Root queries: every list × everybody × every place behaves as the policy table says."""

from __future__ import annotations

import pytest

from api.permissions import ROOTS
from tests.api.matrix.cast import ACTORS, Standing
from tests.api.matrix.counts import COUNTED, check_counts
from tests.api.matrix.documents import listed_type, root_document, roots
from tests.api.matrix.lists import check_list
from tests.api.matrix.nodes import refusal
from tests.api.matrix.stage import Stage

QUERIES = sorted(root for root in ROOTS if root.startswith("Query."))
ALONE = {"Query.node", "Query.viewer", *COUNTED}
"""Queries that list nothing: ``node`` has its own tests, the others are asked below."""


def test_every_query_is_in_the_matrix() -> None:
    assert {f"Query.{name}" for name in roots("Query")} == set(QUERIES)
    assert {root for root in QUERIES if listed_type(root) is None} == ALONE


@pytest.mark.parametrize("root", [root for root in QUERIES if root not in ALONE])
async def test_a_list_has_just_the_rows_that_are_reached(stage: Stage, root: str) -> None:
    await check_list(stage, root)
    assert stage.odd == []


@pytest.mark.parametrize("root", sorted(COUNTED))
async def test_numbers_are_of_just_the_rows_of_places_one_serves(stage: Stage, root: str) -> None:
    await check_counts(stage, root)
    assert stage.odd == []


async def test_the_viewer_sees_their_own(stage: Stage) -> None:
    for who in ACTORS:
        answer = await stage.ask(who, root_document("Query", "viewer", (), hops=2))
        if who.standing is not Standing.GOOD:
            assert [error["extensions"]["code"] for error in answer.errors] == [refusal(who)], who.name
            continue
        assert answer.errors == []
        assert answer.data is not None
        viewer = answer.data["viewer"]
        assert viewer["account"]["phone"] == stage.seeded.phones[who.name]
        assert [edge["node"]["role"] for edge in viewer["roles"]["edges"]] == [role.name for role, _ in who.grants]
        assert len(viewer["households"]["edges"]) == len(who.homes)
        assert len(viewer["sessions"]) == 1
    assert stage.odd == []
