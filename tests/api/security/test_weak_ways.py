"""Weak ways in: given on request where any are allowed, with a warning, on record, and gone with a rotation."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.nodes import global_id
from domain.kernel.actor import Role
from domain.security.devices.directory import DeviceDirectory
from domain.security.devices.models import DeviceKind
from domain.security.devices.secrets import Algorithm
from tests.api.security.test_devices import REGISTER, asked
from tests.factories.api import Api
from tests.factories.cast import Cast, cast_of
from tests.factories.plant import Plant
from tests.factories.world import World

ROTATE = """mutation($id: ID!, $ways: [WeakDeviceWay!]) {
  rotateDeviceCredential(id: $id, graceMinutes: 0, weakWays: $ways) {
    device { weakWays } secret { secretPushUrl weakWays warnings } } }"""
SEEN = "query($id: ID!) { node(id: $id) { ... on Device { weakWays } } }"
BOTH = ["DIGEST_MD5", "PATH_SECRET"]


async def test_they_are_given_with_a_warning_and_on_record(
    api: Api, world: World, engine: AsyncEngine, superuser: asyncpg.Connection
) -> None:
    manager = await cast_of(world, "manager")
    answer = await api.ask(REGISTER, manager, input=asked(world, weakWays=BOTH))
    made, secret = answer.data["registerDevice"]["device"], answer.data["registerDevice"]["secret"]

    assert secret["weakWays"] == BOTH
    assert ["MD5" in secret["warnings"][0], "TLS" in secret["warnings"][1]] == [True, True]
    *_, number, path_secret = secret["secretPushUrl"].split("/")
    directory = DeviceDirectory(engine)
    assert await directory.by_path(int(number), path_secret) == await directory.by_bearer(secret["credential"])
    _, (known,) = await directory.digest_secrets(secret["username"])
    assert None not in map(known.sealed, Algorithm)
    assert (await api.ask(SEEN, manager, id=made["id"])).data["node"] == {"weakWays": BOTH}
    said = await superuser.fetchval("select details from audit_entry where action = 'device.registered'")
    assert '"weak_ways": ["digest_md5", "path_secret"]' in said


async def test_a_rotation_ends_them_unless_they_are_asked_for_again(
    api: Api, world: World, superuser: asyncpg.Connection
) -> None:
    manager = await cast_of(world, "manager")
    made = (await api.ask(REGISTER, manager, input=asked(world, weakWays=BOTH))).data["registerDevice"]["device"]

    one = (await api.ask(ROTATE, manager, id=made["id"], ways=["DIGEST_MD5"])).data["rotateDeviceCredential"]
    none = (await api.ask(ROTATE, manager, id=made["id"])).data["rotateDeviceCredential"]

    assert (one["device"]["weakWays"], one["secret"]["weakWays"]) == (["DIGEST_MD5"], ["DIGEST_MD5"])
    assert [len(one["secret"]["warnings"]), one["secret"]["secretPushUrl"]] == [1, None]
    assert none == {
        "device": {"weakWays": []},
        "secret": {"secretPushUrl": None, "weakWays": [], "warnings": []},
    }
    assert (await api.ask(SEEN, manager, id=made["id"])).data["node"] == {"weakWays": []}
    said = await superuser.fetch(
        "select details from audit_entry where action = 'device.credential_rotated' order by sequence"
    )
    assert ["weak_ways" in row["details"] for row in said] == [True, False]


async def test_a_deployment_that_refuses_them_registers_none(api: Api, world: World, plant: Plant) -> None:
    manager = await cast_of(world, "manager")
    device = global_id("Device", (await plant.device("a111")).id)
    strict = Api(replace(api.services, weak_device_auth=False), world)

    refused = [
        await strict.ask(REGISTER, manager, input=asked(world, weakWays=["PATH_SECRET"])),
        await strict.ask(ROTATE, manager, id=device, ways=["DIGEST_MD5"]),
    ]

    assert [answer.codes for answer in refused] == [["WEAK_WAYS_REFUSED"]] * 2
    assert {answer.errors[0]["extensions"]["field"] for answer in refused} == {"weakWays"}
    assert (await strict.ask(ROTATE, manager, id=device, ways=[])).codes == []


async def test_a_device_behind_a_gateway_has_none(api: Api, world: World, plant: Plant) -> None:
    hub = global_id("Device", (await plant.device("a111", DeviceKind.GATEWAY)).id)
    behind = asked(world, gateway=hub, externalId="0x1", weakWays=["DIGEST_MD5"])

    assert (await api.ask(REGISTER, await cast_of(world, "manager"), input=behind)).codes == ["NO_CREDENTIAL"]


@pytest.mark.parametrize("who", Cast)
async def test_who_sees_them(api: Api, world: World, plant: Plant, who: Cast) -> None:
    device = global_id("Device", (await plant.device("a111", home="a111/1")).id)

    seen = (await api.ask(SEEN, await cast_of(world, who), id=device)).data["node"]

    keepers = {Cast.MANAGER, Cast.POLICE, Cast.TOWN, Cast.COUNTY}
    assert (seen is not None and seen["weakWays"] == []) == (who in keepers)


async def test_a_manager_next_door_does_not_see_them(api: Api, world: World, plant: Plant) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a112", await cast_of(world, "staff"))
    device = global_id("Device", (await plant.device("a111")).id)

    assert (await api.ask(SEEN, manager, id=device)).data["node"] == {"weakWays": None}
