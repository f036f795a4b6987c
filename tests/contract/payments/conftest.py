"""The counter of both vendors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.factories.payments import Counter, counter


@pytest.fixture
async def shop() -> AsyncIterator[Counter]:
    """Both vendors and our adapters; refunds at WeChat Pay arrive with the next call."""
    async with counter() as made:
        yield made
