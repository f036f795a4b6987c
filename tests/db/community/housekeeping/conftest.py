"""Fixtures for tests of housekeeping."""

from __future__ import annotations

import pytest

from domain.kernel.uow import Database
from tests.factories.housekeeping import Cleaners
from tests.factories.world import World


@pytest.fixture
def cleaners(world: World, clocked: Database) -> Cleaners:
    return Cleaners(world, clocked)
