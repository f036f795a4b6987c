"""A compound whose keys were erased: what was sealed is shown as nothing, and everything else goes on."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from api.nodes import global_id
from domain.security.devices.models import DeviceKind
from domain.security.events.gone import close_gone
from integrations.identity.data_keys import erase_keys
from integrations.identity.vault import EnvelopeVault
from tests.factories.api import Answer, Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.world import Person, World

EVENTS = "query($area: ID!) { events(area: $area) { edges { node { kind attributes } } } }"
SIGHTINGS = """query($value: String!) {
  sightings(subject: {kind: PLATE, value: $value}) { edges { node { subject device { place } } } } }"""
EBIKES = "{ eBikes { edges { node { plate make tags { tag place } } } } }"
PLATE, TAG = "浙FD12345", "E2801160"


def nodes(answer: Answer) -> list[dict[str, Any]]:
    assert not answer.errors
    (field,) = answer.data.values()
    return [edge["node"] for edge in field["edges"]]


async def seen(api: Api, world: World, by: Person) -> list[Any]:
    """Everything sealed that police read: of a111, then of a112."""
    events = [
        [node["attributes"] for node in nodes(await api.ask(EVENTS, by, area=global_id("Area", world.areas[name])))]
        for name in ("a111", "a112")
    ]
    subjects = [node["subject"] for node in nodes(await api.ask(SIGHTINGS, by, value=PLATE))]
    bikes = [(node["plate"], node["tags"][0]["tag"]) for node in nodes(await api.ask(EBIKES, by))]
    return [*events, subjects, bikes]


async def test_what_was_sealed_is_null_and_the_neighbours_stays(
    api: Api, world: World, plant: Plant, clock: Clock, vault: EnvelopeVault, owner_engine: AsyncEngine
) -> None:
    police = await cast_of(world, Cast.POLICE)
    for compound in ("a111", "a112"):
        await plant.ebike(f"{compound}/1", await world.living_in(f"{compound}/1"), TAG + compound[1:], plate="AB123")
        await plant.says(await plant.device(compound, DeviceKind.BARRIER_CAMERA), plant.plate(PLATE))
        clock.advance(seconds=1)
        await plant.says(await plant.device(compound, DeviceKind.RFID_READER), plant.read(TAG + compound[1:]))
    before = await seen(api, world, police)
    assert before[0][1]["plate"] == before[1][1]["plate"] == PLATE
    assert before[2:] == [[PLATE, PLATE], [("AB123", "E2801160111"), ("AB123", "E2801160112")]]

    assert await erase_keys(owner_engine, world.areas["a111"], clock()) == 1
    vault._believed_until = float("-inf")  # a minute later

    read, plate = [{k: v for k, v in said.items() if k not in ("tag", "subject", "plate")} for said in before[0]]
    assert await seen(api, world, police) == [
        [read, plate],
        before[1],
        [PLATE, None],
        [(None, None), ("AB123", "E2801160112")],
    ]


async def test_a_tag_whose_key_was_erased_leaves_without_a_word_and_is_seen_again(
    world: World, plant: Plant, clock: Clock, vault: EnvelopeVault, owner_engine: AsyncEngine, api: Api
) -> None:
    reader = await plant.device("a111", DeviceKind.RFID_READER)
    await plant.says(reader, plant.read(TAG))
    await erase_keys(owner_engine, world.areas["a111"], clock())
    vault._believed_until = float("-inf")
    clock.advance(seconds=20)

    async with plant.database.unit_of_work(world.everywhere) as uow:
        assert await close_gone(uow, vault=vault) == 1
    await plant.says(reader, plant.read(TAG))

    area, police = global_id("Area", world.areas["a111"]), await cast_of(world, Cast.POLICE)
    said = [node["attributes"] for node in nodes(await api.ask(EVENTS, police, area=area))]
    assert [(each.get("tag"), each["phase"]) for each in said] == [(TAG, "enter"), (None, "enter")]
