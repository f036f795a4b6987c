"""The doctor on published prices: who is asked, who is silent, who is old."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cli.doctor.finding import Finding, State
from cli.doctor.prices import PriceChecks
from domain.community.prices.rules import today_in
from domain.kernel.uow import Database
from tests.factories.clock import Clock
from tests.factories.ingest import settings_for
from tests.workers.kit import seed_estate

MARKET = "insert into market (source, name, latest_on, fetched_at, failed) values ('xinfadi', 'x', $1, now(), $2)"


async def examined(engine: AsyncEngine, folder: Path, **named: str) -> list[Finding]:
    settings = settings_for("postgresql://x/y", folder, **named)
    return await PriceChecks(settings, Database(engine, clock=Clock())).sources()


async def test_without_an_address_nobody_is_asked(engine: AsyncEngine, tmp_path: Path) -> None:
    (found,) = await examined(engine, tmp_path)
    assert (found.state, found.do) == (State.OK, "")


@pytest.mark.parametrize(
    ("days", "failed", "state", "said"),
    [
        (0, None, State.OK, "newest of"),
        (3, None, State.OK, "newest of"),
        (4, None, State.WARN, "newest of"),
        (0, "UNAVAILABLE", State.WARN, "then UNAVAILABLE"),
        (None, None, State.WARN, "newest of no day"),
    ],
)
async def test_a_source_that_is_silent_or_old_is_named(
    engine: AsyncEngine,
    tmp_path: Path,
    superuser: asyncpg.Connection,
    days: int | None,
    failed: str | None,
    state: State,
    said: str,
) -> None:
    await seed_estate(superuser)
    latest = None if days is None else today_in("Asia/Shanghai", Clock()()) - timedelta(days=days)
    await superuser.execute(MARKET, latest, failed)
    named = {"ZHIAN_XINFADI_URL": "http://prices.example", "ZHIAN_MOA_URL": "https://ministry.example"}
    known, never = await examined(engine, tmp_path, **named)
    assert (known.name, known.state) == ("prices xinfadi", state)
    assert said in known.said
    assert (never.name, never.state, never.said) == ("prices moa", State.WARN, "never answered")
