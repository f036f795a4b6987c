"""Subscriptions: every feed × everybody × every place behaves as the policy table says."""

from __future__ import annotations

import pytest

from api.permissions import ROOTS
from tests.api.matrix.documents import roots
from tests.api.matrix.feeds import check_feed
from tests.api.matrix.stage import Stage

FEEDS = sorted(root for root in ROOTS if root.startswith("Subscription."))


def test_every_feed_is_in_the_matrix() -> None:
    assert {f"Subscription.{name}" for name in roots("Subscription")} == set(FEEDS)


@pytest.mark.parametrize("root", FEEDS)
async def test_a_feed_tells_of_just_the_rows_that_are_reached(stage: Stage, root: str) -> None:
    await check_feed(stage, root)
    assert stage.odd == []
