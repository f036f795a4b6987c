"""Fixtures of the worker tests: a database whose clock is moved by hand, and the product's schedule on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.uow import Database
from tests.factories.vault import MemoryVault
from tests.workers.kit import HandClock
from workers.pictures import PictureFiles
from workers.schedule import Schedule
from workers.steps import Kept, steps


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def database(engine: AsyncEngine, clock: HandClock) -> Database:
    return Database(engine, clock=clock)


@pytest.fixture
def files(tmp_path: Path) -> PictureFiles:
    return PictureFiles(tmp_path)


@pytest.fixture
def schedule(database: Database, files: PictureFiles) -> Schedule:
    return Schedule(database, steps(files, MemoryVault(), kept=Kept()))
