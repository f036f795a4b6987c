"""The doctor on weak ways in: how many devices have which, and whether that is somebody's business."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cli.doctor.devices import DeviceChecks
from cli.doctor.finding import Finding, State
from domain.kernel.uow import Database
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.secrets import WeakWay
from domain.security.devices.service import NewDevice, register_device, retire_device, rotate_credential
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.ingest import settings_for
from tests.factories.world import World

__all__ = ["clock", "clocked", "news", "vault", "world"]
BOTH = frozenset(WeakWay)


async def examined(engine: AsyncEngine, folder: Path, **named: str) -> Finding:
    settings = settings_for("postgresql://x/y", folder, **{"ZHIAN_PROFILE": "production"} | named)
    (found,) = await DeviceChecks(settings, Database(engine)).weak_ways()
    return found


async def registered(world: World, ways: frozenset[WeakWay]) -> int:
    new = NewDevice(world.areas["a111"], DeviceKind.GATE, Vendor.HIKVISION, "gate", weak_ways=ways)
    async with world.database.unit_of_work(world.everywhere) as uow:
        return (await register_device(uow, vault=world.vault, new=new, weak_allowed=True)).device_id


@pytest.mark.parametrize("allowed", ["allow", "refuse"])
async def test_a_deployment_without_them_is_in_order(
    engine: AsyncEngine, world: World, tmp_path: Path, allowed: str
) -> None:
    await registered(world, frozenset())
    found = await examined(engine, tmp_path, ZHIAN_WEAK_DEVICE_AUTH=allowed)
    assert found.state is State.OK
    assert found.said.endswith("; no device is registered for any")


async def test_devices_that_have_them_are_counted_by_way(engine: AsyncEngine, world: World, tmp_path: Path) -> None:
    await registered(world, frozenset())
    await registered(world, frozenset({WeakWay.PATH_SECRET}))
    rotated, retired = await registered(world, BOTH), await registered(world, BOTH)
    async with world.database.unit_of_work(world.everywhere) as uow:
        await rotate_credential(
            uow, vault=world.vault, device_id=rotated, grace_minutes=60, weak_ways=BOTH, weak_allowed=True
        )

    refused = await examined(engine, tmp_path)
    assert (refused.state, refused.said) == (
        State.WARN,
        "refused; 2 may use Digest with MD5, 3 may use a secret in the address",
    )
    assert "not let in" in refused.do
    async with world.database.unit_of_work(world.everywhere) as uow:
        await retire_device(uow, device_id=retired)
        await rotate_credential(uow, vault=world.vault, device_id=rotated, grace_minutes=0)
    async with engine.begin() as connection:
        await connection.execute(text("update device_credential set expires_at = now() where expires_at is not null"))
    allowed = await examined(engine, tmp_path, ZHIAN_WEAK_DEVICE_AUTH="allow")
    assert (allowed.state, allowed.said) == (State.WARN, "allowed; 1 may use a secret in the address")
    assert "not let in" not in allowed.do
    assert (await examined(engine, tmp_path, ZHIAN_PROFILE="developer")).state is State.OK
