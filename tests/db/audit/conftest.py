"""Fixtures for tests of the audit log: a world, and a chain to tamper with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.identity.audit.verification import Auditing
from integrations.identity.audit import AuditKeys
from integrations.postgres import AUDITOR_ROLE, create_engine
from tests.factories.fixtures import clock, clocked, keys, news, tokens, vault, world

__all__ = ["clock", "clocked", "keys", "news", "tokens", "vault", "world"]


@pytest.fixture
async def auditor(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Engine of the role that reads every entry."""
    made = create_engine(database_url, role=AUDITOR_ROLE, pool_size=2)
    yield made
    await made.dispose()


@pytest.fixture
def signer(tmp_path: Path) -> AuditKeys:
    return AuditKeys(tmp_path / "keys")


@pytest.fixture
def auditing(engine: AsyncEngine, auditor: AsyncEngine, signer: AuditKeys) -> Auditing:
    return Auditing(engine, auditor, signer)
