"""Fixtures of a world with devices that speak. Import them in a ``conftest`` beside those of ``fixtures``."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.uow import Database
from domain.security.devices.directory import DeviceDirectory
from domain.security.events.recorder import Recorder
from integrations.identity.vault import EnvelopeVault
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.statements import Statements
from tests.factories.world import World


@pytest.fixture
async def recorder(
    engine: AsyncEngine, clock: Clock, clocked: Database, vault: EnvelopeVault, world: World
) -> AsyncIterator[Recorder]:
    """A recorder by ``clock`` whose news go where ``clocked``'s go."""
    made = Recorder(engine, DeviceDirectory(engine), vault, wake=clocked.wake, clock=clock)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def plant(world: World, clocked: Database, recorder: Recorder, clock: Clock) -> Plant:
    return Plant(world, clocked, recorder, clock)


@pytest.fixture
def statements(engine: AsyncEngine) -> Statements:
    return Statements(engine)
