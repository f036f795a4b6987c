"""Event.pictures and GET /pictures/{compound}/{sha256}: who sees pictures, until when, with which headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from api.security.pictures import picture_endpoint
from domain.security.devices.models import DeviceKind
from integrations.vision.decoder import Budget
from integrations.vision.pictures import LocalPictures
from tests.factories.api import Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.patience import PATIENCE
from tests.factories.plant import Plant
from tests.factories.world import World

SHA = "ab" * 32
BYTES = b"\xff\xd8\xff picture"
EVENTS = "{ events { edges { node { pictures { name url width height expiresAt } } } } }"
INSERT = """
insert into picture (county_id, town_id, community_id, compound_id, event_id, ordinal, event_at, name, sha256, width,
                     height, size, expires_at)
select county_id, town_id, community_id, compound_id, id, 0, at, 'face', $1, 640, 480, 9, to_timestamp($2) from event
"""


@pytest.fixture
async def http(api: Api, tmp_path: Path, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    store = LocalPictures(tmp_path / "pictures", budget=Budget(seconds=PATIENCE))
    file = store.path(SHA)
    file.parent.mkdir(parents=True)
    file.write_bytes(BYTES)
    endpoint = picture_endpoint(api.authenticator, api.services.database, store.path)
    app = Starlette(routes=[Route("/pictures/{compound}/{sha256}", endpoint)])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as client:
        yield client
    await store.close()


async def pictured(plant: Plant, superuser: asyncpg.Connection, clock: Clock, minutes: int = 5) -> int:
    """A passage in a111 with a picture; the compound's id."""
    gate = await plant.device("a111", DeviceKind.GATE, home="a111/1")
    await plant.says(gate, plant.passage())
    until = clock().timestamp() + minutes * 60
    await superuser.execute(INSERT, SHA, until)
    return gate.compound_id


@pytest.mark.parametrize("who", [*Cast])
async def test_pictures_are_for_office_and_police_where_they_serve(
    api: Api,
    world: World,
    plant: Plant,
    superuser: asyncpg.Connection,
    clock: Clock,
    http: httpx.AsyncClient,
    who: Cast,
) -> None:
    compound = await pictured(plant, superuser, clock)
    person = await cast_of(world, who)
    bearer = {"Authorization": f"Bearer {await api.token(person)}"}
    answer = await http.get(f"/pictures/{compound}/{SHA}", headers=bearer)
    listed = await api.ask(EVENTS, person)
    shown = [] if listed.data is None else [edge["node"]["pictures"] for edge in listed.data["events"]["edges"]]
    if who in (Cast.STAFF, Cast.MANAGER, Cast.POLICE):
        assert (answer.status_code, answer.content) == (200, BYTES)
        assert shown[0][0]["url"] == f"/pictures/{compound}/{SHA}"
    else:
        absent = await http.get(f"/pictures/{compound}/{'cd' * 32}", headers=bearer)
        assert (answer.status_code, answer.content, answer.headers) == (404, b"", absent.headers)
        assert all(pictures is None for pictures in shown)


async def test_a_picture_is_not_kept_and_never_guessed_at(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection, clock: Clock, http: httpx.AsyncClient
) -> None:
    compound = await pictured(plant, superuser, clock)
    bearer = {"Authorization": f"Bearer {await api.token(await cast_of(world, 'staff'))}"}
    answer = await http.get(f"/pictures/{compound}/{SHA}", headers=bearer)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"  # it shows people
    assert answer.headers["content-disposition"] == f'inline; filename="{SHA}.jpg"'
    assert answer.headers["vary"] == "Authorization"
    assert "no-store" in (await http.get(f"/pictures/{compound}/{'cd' * 32}", headers=bearer)).headers["cache-control"]


async def test_a_picture_ends_with_its_time(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection, clock: Clock, http: httpx.AsyncClient
) -> None:
    compound = await pictured(plant, superuser, clock)
    staff = await cast_of(world, "staff")
    clock.advance(minutes=5)
    bearer = {"Authorization": f"Bearer {await api.token(staff)}"}
    assert (await http.get(f"/pictures/{compound}/{SHA}", headers=bearer)).status_code == 404
    assert (await api.ask(EVENTS, staff)).data["events"]["edges"][0]["node"]["pictures"] == []


@pytest.mark.parametrize("authorization", [None, "", "Bearer nonsense", "Basic YTpi"])
async def test_without_a_sign_in_there_is_nothing(http: httpx.AsyncClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await http.get(f"/pictures/1/{SHA}", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "path", ["x/" + SHA, f"0/{SHA}", f"99999999999999/{SHA}", "1/..%2F..%2Fkeys", "1/" + "AB" * 32]
)
async def test_what_is_no_picture_is_not_there(api: Api, world: World, http: httpx.AsyncClient, path: str) -> None:
    bearer = {"Authorization": f"Bearer {await api.token(await cast_of(world, 'staff'))}"}
    assert (await http.get(f"/pictures/{path}", headers=bearer)).status_code == 404


async def test_a_row_without_a_file_is_not_there(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection, clock: Clock, http: httpx.AsyncClient
) -> None:
    compound = await pictured(plant, superuser, clock)
    await superuser.execute("update picture set sha256 = $1", "cd" * 32)
    bearer = {"Authorization": f"Bearer {await api.token(await cast_of(world, 'staff'))}"}
    assert (await http.get(f"/pictures/{compound}/{'cd' * 32}", headers=bearer)).status_code == 404
