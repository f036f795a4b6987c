"""Fixtures of the worker tests: a database whose clock is moved by hand."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.uow import Database
from tests.workers.kit import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def database(engine: AsyncEngine, clock: HandClock) -> Database:
    return Database(engine, clock=clock)
