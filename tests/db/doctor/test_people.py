"""The doctor on second factors: how many officials have none, and whether that is somebody's business."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cli.doctor.finding import Finding, State
from cli.doctor.people import PeopleChecks
from domain.kernel.actor import Role
from domain.kernel.uow import Database
from tests.factories.authenticators import enrolled
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.ingest import settings_for
from tests.factories.world import World

__all__ = ["clock", "clocked", "news", "vault", "world"]


async def examined(engine: AsyncEngine, folder: Path, asked: str, profile: str = "production") -> Finding:
    named = {"ZHIAN_PROFILE": profile, "ZHIAN_SECOND_FACTOR": asked}
    (found,) = await PeopleChecks(settings_for("postgresql://x/y", folder, **named), Database(engine)).second_factor()
    return found


async def test_officials_without_one_are_counted_once(engine: AsyncEngine, world: World, tmp_path: Path) -> None:
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    await world.with_role(Role.PROPERTY_MANAGER, "a112", staff)
    county = await world.with_role(Role.COUNTY_OPERATOR, "b")
    await world.with_role(Role.SERVICE_WORKER, "a111")
    await world.living_in("a111/1")
    await enrolled(world, county)
    found = await examined(engine, tmp_path, "required")
    assert (found.state, found.said) == (State.WARN, "required; 1 of 2 officials have no authenticator")
    await enrolled(world, staff)
    found = await examined(engine, tmp_path, "required")
    assert (found.state, found.said) == (State.OK, "required; 0 of 2 officials have no authenticator")


@pytest.mark.parametrize(
    ("asked", "profile", "state"),
    [
        ("optional", "production", State.WARN),
        ("everybody", "production", State.OK),
        ("optional", "developer", State.OK),
    ],
)
async def test_production_asks_for_one(
    engine: AsyncEngine, world: World, tmp_path: Path, asked: str, profile: str, state: State
) -> None:
    assert (await examined(engine, tmp_path, asked, profile)).state is state
