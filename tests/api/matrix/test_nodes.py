"""``node(id)``: every type × everybody × every place behaves as the policy table says."""

from __future__ import annotations

import pytest

from api.permissions import NODES
from tests.api.matrix.nodes import check_node
from tests.api.matrix.stage import Stage


@pytest.mark.parametrize("type_name", sorted(NODES))
async def test_a_node_is_read_by_those_who_reach_it_and_was_never_there_for_others(
    stage: Stage, type_name: str
) -> None:
    await check_node(stage, type_name)
    assert stage.odd == []
