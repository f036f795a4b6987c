"""Fixtures for tests of repairs."""

from __future__ import annotations

import pytest

from tests.factories.repairs import Repairs
from tests.factories.world import World


@pytest.fixture
async def repairs(world: World) -> Repairs:
    return await Repairs(world).people()
