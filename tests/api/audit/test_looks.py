"""Looks at personal data of others: what goes on record, before the answer, and what does not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from api.context import Context, make_context
from api.errors import format_error
from api.execution.engine import Engine
from api.execution.limits import PRODUCTION, Limits
from api.execution.requests import GraphQLRequest
from api.looks import NOT_PERSONAL, OF_LEAF
from api.nodes import global_id
from api.permissions import LEAVES
from api.security.pictures import picture_endpoint
from domain.identity.audit.actions import READS
from domain.security.devices.models import DeviceKind
from integrations.vision.decoder import Budget
from integrations.vision.pictures import LocalPictures
from tests.api.security.test_feeds import EVENTS as EVENT_FEED
from tests.api.security.test_feeds import START
from tests.api.security.test_pictures import BYTES, SHA, pictured
from tests.factories.api import Api, schema
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.patience import PATIENCE
from tests.factories.plant import Plant
from tests.factories.statements import Statements
from tests.factories.world import Person, World

EVENTS = "{ events { edges { node { id attributes } } } }"
PLAIN = "{ events { edges { node { id kind at } } } }"
PICTURES = "{ events { edges { node { pictures { url } } } } }"
SIGHTINGS = """query($v: String!, $a: ID) { sightings(subject: {kind: PLATE, value: $v}, area: $a) {
  edges { node { id subject at } } } }"""
NODE = "query($id: ID!) { node(id: $id) { ... on Sighting { at } ... on Account { phone } } }"
PHONES = "{ households { edges { node { account { phone } livesAlone disabledPerson } } } }"
PLATE = "浙FD12345"


async def looks(superuser: asyncpg.Connection) -> list[dict[str, Any]]:
    """The looks on record, in order of their writing."""
    rows = await superuser.fetch("select * from audit_entry where action = any($1) order by chain, sequence", [*READS])
    return [dict(row) | {"details": json.loads(row["details"])} for row in rows]


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["action"], row["chain"], row["account_id"], row["homes"]) for row in rows]


async def passages(plant: Plant, clock: Clock, *people: str) -> None:
    gate = await plant.device("a111", DeviceKind.GATE)
    for person in people:
        await plant.says(gate, plant.passage(person))
        clock.advance(seconds=1)


async def deny(superuser: asyncpg.Connection) -> None:
    """From now on nothing can be put on record."""
    await superuser.execute("revoke execute on function zhian_audit_append(int[], text[]) from zhian_app")


def engine() -> Engine:
    return Engine(schema(), limits=Limits(), profile=PRODUCTION, format_error=format_error)


async def context_of(api: Api, person: Person) -> Context:
    identity = await api.authenticator.identify(f"Bearer {await api.token(person)}")
    return make_context(identity.actor, services=api.services, accept_language="en", request_id="request-9")  # type: ignore[arg-type]


async def served(api: Api, person: Person, operation: str, **variables: Any) -> Any:
    """The body as every transport sends it."""
    context, running = await context_of(api, person), engine()
    prepared = await running.prepare(GraphQLRequest(operation, variables=variables), context.actor, "192.0.2.1")
    try:
        result = await running.execute(prepared, context)
        return json.loads(running.results.body(result, context)[0])
    finally:
        await context.close()


def test_every_sensitive_leaf_has_its_kind_of_look() -> None:
    assert LEAVES.keys() == OF_LEAF.keys() | NOT_PERSONAL
    assert set(OF_LEAF.values()) <= READS.keys()


async def test_who_was_in_an_event_is_one_look_for_all_that_were_shown(
    api: Api, world: World, plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    await passages(plant, clock, "R-1", "R-2", "R-3")
    staff = await cast_of(world, "staff")
    shown = (await served(api, staff, EVENTS))["data"]["events"]["edges"]
    assert [edge["node"]["attributes"]["person_no"] for edge in shown] == ["R-3", "R-2", "R-1"]
    (look,) = await looks(superuser)
    compound = world.areas["a111"]
    assert told([look]) == [("event.attributes_read", compound, staff.id, [])]
    assert (look["roles"], look["request_id"], look["object_type"]) == (["property_staff"], "request-9", "Event")
    assert len(look["details"]["ids"]) == 3
    assert "R-" not in json.dumps(look["details"])


@pytest.mark.parametrize("who", [Cast.TOWN, Cast.COUNTY])
async def test_who_is_shown_nobody_has_looked_at_nobody(
    api: Api, world: World, plant: Plant, clock: Clock, superuser: asyncpg.Connection, who: Cast
) -> None:
    await passages(plant, clock, "R-1")
    assert "person_no" not in str(await served(api, await cast_of(world, who), EVENTS))
    assert await looks(superuser) == []


async def test_what_tells_nobody_apart_and_ones_own_is_no_look(
    api: Api, world: World, plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    owner = await cast_of(world, "resident")
    await plant.ebike("a111/1", owner, "E2801160")
    await plant.says(await plant.device("a111", home="a111/1"), plant.smoke())
    staff = await cast_of(world, "staff")
    await served(api, staff, EVENTS)
    assert await looks(superuser) == []
    clock.advance(seconds=1)
    await plant.says(await plant.device("a111", DeviceKind.RFID_READER), plant.read("E2801160"))
    assert "E2801160" in str(await served(api, owner, EVENTS))
    assert "phone" in str(await served(api, owner, "{ viewer { account { phone } } }"))
    assert await looks(superuser) == []
    await served(api, staff, EVENTS)
    assert told(await looks(superuser)) == [
        ("event.attributes_read", world.areas["a111"], staff.id, [world.homes["a111/1"]])
    ]


async def test_looks_in_two_compounds_stand_in_both_chains(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection
) -> None:
    for compound in ("a111", "a112"):
        await plant.says(await plant.device(compound, DeviceKind.BARRIER_CAMERA), plant.plate(PLATE))
    police = await cast_of(world, "police")
    await served(api, police, EVENTS)
    assert [row["chain"] for row in await looks(superuser)] == [world.areas["a111"], world.areas["a112"]]


@pytest.mark.parametrize("shown", [0, 1])
async def test_looking_somebody_up_is_on_record_found_or_not(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection, shown: int
) -> None:
    await plant.says(await plant.device("a111", DeviceKind.BARRIER_CAMERA), plant.plate(PLATE))
    police, asked = await cast_of(world, "police"), PLATE if shown else "浙A00000"
    assert len((await served(api, police, SIGHTINGS, v=asked))["data"]["sightings"]["edges"]) == shown
    found = await looks(superuser)
    search = found[0]
    assert (search["action"], search["chain"], search["community_id"]) == ("sighting.searched", 0, world.areas["a11"])
    assert search["details"].keys() == {"kind", "subject", "shown"}
    assert search["details"]["shown"] == shown
    assert [row["action"] for row in found[1:]] == ["sighting.read"] * shown
    assert not any("12345" in str(row["details"] | {"subject": ""}) for row in found)
    await served(api, police, SIGHTINGS, v=asked, a=global_id("Area", world.areas["a111"]))
    searches = [row for row in await looks(superuser) if row["action"] == "sighting.searched"]
    assert [row["chain"] for row in searches] == [0, world.areas["a111"]]
    assert searches[0]["details"]["subject"] == searches[1]["details"]["subject"]


async def test_residents_look_up_themselves_off_the_record(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection
) -> None:
    resident = await cast_of(world, "resident")
    await served(api, resident, SIGHTINGS, v=PLATE)
    assert await looks(superuser) == []


async def test_a_sighting_by_its_id_is_a_look(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection
) -> None:
    await plant.says(await plant.device("a111", DeviceKind.BARRIER_CAMERA), plant.plate(PLATE))
    police = await cast_of(world, "police")
    (edge,) = (await served(api, police, SIGHTINGS, v=PLATE))["data"]["sightings"]["edges"]
    await served(api, police, NODE, id=edge["node"]["id"])
    last = [row for row in await looks(superuser) if row["action"] == "sighting.read"][-1]
    assert last["object_id"].startswith(f"{world.areas['a111']}.")


async def test_phones_and_conditions_of_others_are_looks_with_their_homes(
    api: Api, world: World, superuser: asyncpg.Connection
) -> None:
    resident, staff = await cast_of(world, "resident"), await cast_of(world, "staff")
    assert resident.phone in str(await served(api, staff, PHONES))
    by_kind = {row["action"]: row for row in await looks(superuser)}
    assert by_kind.keys() == {"account.phone_read", "household.condition_read"}
    assert by_kind["account.phone_read"]["object_id"] == str(resident.id)
    assert {tuple(row["homes"]) for row in by_kind.values()} == {(world.homes["a111/1"],)}
    assert not any(resident.phone[-8:] in str(row) for row in by_kind.values())


async def test_pictures_are_looks_when_listed_and_when_opened(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection, clock: Clock, tmp_path: Path
) -> None:
    compound, staff = await pictured(plant, superuser, clock), await cast_of(world, "staff")
    await served(api, staff, PICTURES)
    async with picture_client(api, tmp_path) as client:
        bearer = {"Authorization": f"Bearer {await api.token(staff)}"}
        assert (await client.get(f"/pictures/{compound}/{SHA}", headers=bearer)).content == BYTES
        await client.get(f"/pictures/{compound}/{'cd' * 32}", headers=bearer)
        assert told(await looks(superuser)) == [
            ("event.pictures_read", compound, staff.id, [world.homes["a111/1"]]),
            ("picture.opened", compound, staff.id, []),
        ]
        await deny(superuser)
        refused = await client.get(f"/pictures/{compound}/{SHA}", headers=bearer)
    assert (refused.status_code, refused.content) == (503, b"")


def picture_client(api: Api, folder: Path) -> httpx.AsyncClient:
    store = LocalPictures(folder / "pictures", budget=Budget(seconds=PATIENCE))
    file = store.path(SHA)
    file.parent.mkdir(parents=True)
    file.write_bytes(BYTES)
    endpoint = picture_endpoint(api.authenticator, api.services.database, store.path)
    app = Starlette(routes=[Route("/pictures/{compound}/{sha256}", endpoint)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://zhian.test")


async def test_without_a_record_there_is_no_answer(
    api: Api, world: World, plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    await passages(plant, clock, "R-1")
    staff = await cast_of(world, "staff")
    await api.token(staff)
    await deny(superuser)
    answer = await served(api, staff, EVENTS)
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "NOT_RECORDED"
    assert (await served(api, staff, PLAIN)).keys() == {"data"}


async def test_what_shows_nothing_sensitive_pays_nothing(
    api: Api, world: World, plant: Plant, clock: Clock, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    await passages(plant, clock, "R-1")
    staff = await cast_of(world, "staff")
    appended: list[object] = []

    async def note(*_: object, **__: object) -> None:
        appended.append(1)

    monkeypatch.setattr(api.services.database, "record", note)
    await api.token(staff)
    with statements.counted() as seen:
        await served(api, staff, PLAIN)
        plain = len(seen)
        await served(api, staff, EVENTS)
    assert (plain, len(seen) - plain, len(appended)) == (1, 1, 1)


async def test_a_feed_is_one_look_when_it_is_opened_and_none_for_its_items(
    api: Api, world: World, plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    staff, running = await cast_of(world, "staff"), engine()
    context = await context_of(api, staff)
    operation = await running.prepare(
        GraphQLRequest(EVENT_FEED, variables={"after": START}), context.actor, "192.0.2.1"
    )
    opened = await running.open(operation, context)
    assert isinstance(opened, tuple)
    await context.close()
    (look,) = await looks(superuser)
    assert told([look]) == [("feed.opened", world.areas["a111"], staff.id, [])]
    assert (look["object_id"], look["details"]) == ("events", {"reads": ["event.attributes_read"]})

    executor, source = opened
    items = aiter(source)
    await passages(plant, clock, "R-7")
    item = await asyncio.wait_for(anext(items), PATIENCE)
    rendering = await context_of(api, staff)
    assert b"R-7" in await running.render(executor, item, rendering)
    await rendering.close()
    await items.aclose()  # type: ignore[attr-defined]
    assert len(await looks(superuser)) == 1


async def test_a_feed_that_cannot_be_put_on_record_is_not_opened(
    api: Api, world: World, superuser: asyncpg.Connection
) -> None:
    staff, running = await cast_of(world, "staff"), engine()
    context = await context_of(api, staff)
    await deny(superuser)
    operation = await running.prepare(GraphQLRequest(EVENT_FEED), context.actor, "192.0.2.1")
    refused: Any = await running.open(operation, context)
    await context.close()
    (error,) = running.results.errors(refused.errors, context)
    assert error["extensions"]["code"] == "NOT_RECORDED"


async def test_feeds_without_personal_data_are_no_looks(api: Api, world: World, superuser: asyncpg.Connection) -> None:
    plain = "subscription { eventFeed { cursor event { kind } } }"
    for who, text in ((Cast.STAFF, plain), (Cast.RESIDENT, EVENT_FEED), (Cast.COUNTY, EVENT_FEED)):
        context, running = await context_of(api, await cast_of(world, who)), engine()
        operation = await running.prepare(GraphQLRequest(text), context.actor, "192.0.2.1")
        assert isinstance(await running.open(operation, context), tuple)
        await context.close()
    assert await looks(superuser) == []
