"""Mutations: every one × everybody × every place behaves as the policy table says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api.permissions import ROOTS
from integrations.postgres import create_engine
from tests.api.matrix.documents import roots
from tests.api.matrix.ground import Ground
from tests.api.matrix.stage import LONG, Stage, open_stage, without_canaries_in_logs
from tests.api.matrix.writes import check_mutation, savepoint

MUTATIONS = sorted(root for root in ROOTS if root.startswith("Mutation."))


@pytest.fixture
async def stage(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Stage]:
    """One on which nothing that is written stays."""
    monkeypatch.setattr("domain.kernel.uow.transaction", savepoint)
    with without_canaries_in_logs(caplog):
        async with open_stage(ground, engine=create_engine(ground.url, pool_size=1, patience=LONG)) as opened:
            yield opened


def test_every_mutation_is_in_the_matrix() -> None:
    assert {f"Mutation.{name}" for name in roots("Mutation")} == set(MUTATIONS)


@pytest.mark.parametrize("root", MUTATIONS)
async def test_a_mutation_is_done_by_those_who_may_and_of_nothing_else(stage: Stage, root: str) -> None:
    await check_mutation(stage, root)
    assert stage.odd == []
