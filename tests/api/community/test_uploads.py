"""POST /uploads and GET /attachments/{id}: what is taken in, what is refused and how, and who is shown it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from api.community.uploads import routes
from api.community.uploads.routes import Uploads
from api.nodes import global_id, row_id
from domain.community.uploads.rules import Subject
from domain.community.uploads.service import attach
from domain.estate.queries import compound_place
from domain.kernel.actor import Actor, Role
from domain.kernel.pictures import PictureRefused
from domain.kernel.uow import Reader
from integrations.vision.decoder import UPLOAD_BYTES, Budget
from integrations.vision.pictures import LocalPictures
from tests.api.devices.test_pictures import bomb, jpeg
from tests.contract.vision.test_pictures import encoded, with_exif
from tests.factories.api import Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.ingest import Ingest
from tests.factories.patience import PATIENCE
from tests.factories.world import Person, World

BUDGET = Budget(content_bytes=UPLOAD_BYTES, seconds=PATIENCE)
MINE = "{ uploads { edges { node { id width } } } }"
NODE = "query($id: ID!) { node(id: $id) { ... on Upload { width height expiresAt } } }"


async def sees_one(_: Reader, actor: Actor, subject_id: int) -> bool:
    """A slice that shows thing 1 to everybody the row itself is shown to, and no other thing."""
    return subject_id == 1


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalPictures]:
    made = LocalPictures(
        tmp_path / "pictures", budget=Budget(content_bytes=UPLOAD_BYTES, seconds=PATIENCE), processes=1
    )
    yield made
    await made.close()


@pytest.fixture
async def http(api: Api, store: LocalPictures) -> AsyncIterator[httpx.AsyncClient]:
    database, vault = api.services.database, api.services.vault
    rights = {Subject.REPAIR: sees_one}
    app = Starlette(routes=Uploads(api.authenticator, database, vault, store, rights=rights, body_seconds=0.3).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://zhian.test") as client:
        yield client


async def headers(api: Api, person: Person, language: str = "en") -> dict[str, str]:
    return {"Authorization": f"Bearer {await api.token(person)}", "Accept-Language": language}


async def send(http: httpx.AsyncClient, api: Api, person: Person, content: bytes, **form: Any) -> httpx.Response:
    files = {"file": ("photo.jpg", content, "image/jpeg"), **form}
    return await http.post("/uploads", files=files, headers=await headers(api, person))


async def test_a_resident_sends_a_picture_and_it_is_kept_re_encoded(
    api: Api, world: World, http: httpx.AsyncClient, store: LocalPictures, superuser: asyncpg.Connection
) -> None:
    resident = await cast_of(world, "resident")
    answer = await send(http, api, resident, with_exif(encoded(".jpg"), orientation=6) + b"<script>tail</script>")
    told = answer.json()
    assert (answer.status_code, told["width"], told["height"]) == (201, 240, 320)
    row = await superuser.fetchrow("select * from upload")
    assert (row["account_id"], global_id("Upload", row["id"])) == (resident.id, told["id"])
    kept = store.path(row["sha256"]).read_bytes()
    assert b"GPS-CANARY" not in kept
    assert b"script" not in kept
    listed = (await api.ask(MINE, resident)).data["uploads"]["edges"]
    assert listed == [{"node": {"id": told["id"], "width": 240}}]
    shown = (await api.ask(NODE, resident, id=told["id"])).data["node"]
    assert shown == {"width": 240, "height": 320, "expiresAt": told["expiresAt"]}


async def test_an_unused_picture_is_its_senders_alone_for_a_day(
    api: Api, world: World, http: httpx.AsyncClient, clock: Clock
) -> None:
    resident, cohabitant = await cast_of(world, "resident"), await cast_of(world, "resident")
    told = (await send(http, api, resident, jpeg())).json()
    for other in (cohabitant, await cast_of(world, "manager")):
        assert (await api.ask(NODE, other, id=told["id"])).codes == ["NOT_FOUND"]
        assert (await api.ask(MINE, other)).data["uploads"]["edges"] == []
    clock.advance(hours=24)
    api._tokens.clear()
    assert (await api.ask(NODE, resident, id=told["id"])).codes == ["NOT_FOUND"]


REFUSED = (
    (b"", 422, "empty"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "format"),
    (b"\xff\xd8\xff" + random.Random(4).randbytes(5000), 415, "format"),
    (b"GIF89a" + bytes(100), 415, "format"),
    (encoded(".tiff"), 415, "format"),
    (encoded(".avif"), 415, "format"),
    (bomb(), 413, "dimensions"),
    (encoded(".jpg")[:3000], 422, "damaged"),
    (encoded(".png")[:-20], 422, "damaged"),
    (encoded(".jpg") + bytes(UPLOAD_BYTES), 413, "too_large"),
)


async def test_what_is_no_good_picture_is_refused_and_leaves_nothing(
    api: Api, world: World, http: httpx.AsyncClient, tmp_path: Path, superuser: asyncpg.Connection
) -> None:
    resident = await cast_of(world, "resident")
    for content, status, reason in REFUSED:
        answer = await send(http, api, resident, content)
        told = answer.json()
        assert (answer.status_code, told["code"], told["reason"]) == (status, "PICTURE_REFUSED", reason)
        assert told["message"] == PictureRefused(reason).message("en")
        assert not PictureRefused(reason).message("zh-CN").isascii()
    large = await send(http, api, resident, bytes(UPLOAD_BYTES + 20_000))
    assert (large.status_code, large.json()["code"], large.json()["limit"]) == (413, "TOO_LARGE", UPLOAD_BYTES)
    assert not (tmp_path / "pictures").exists()
    assert await superuser.fetchval("select count(*) from upload") == 0


FORM = {"Content-Type": "multipart/form-data; boundary=B"}


PART = b'--B\r\nContent-Disposition: form-data; name="f"'
NO_FORMS = {
    "another type": ({"Content-Type": "image/jpeg"}, jpeg()),
    "no boundary": ({"Content-Type": "multipart/form-data"}, b"--B\r\n"),
    "empty": (FORM, b""),
    "torn": (FORM, b"--B\r\nnonsense"),
    "no file": (FORM, PART + b"\r\n\r\nwords\r\n--B--\r\n"),
    "two files": (FORM, 2 * (PART + b'; filename="a"\r\n\r\nx\r\n') + b"--B--\r\n"),
    "many fields": (FORM, 9 * (PART + b"\r\n\r\nx\r\n") + b"--B--\r\n"),
}


async def test_what_is_no_form_with_one_file_is_refused(api: Api, world: World, http: httpx.AsyncClient) -> None:
    sender = await headers(api, await cast_of(world, "resident"), "zh-CN")
    for name, (kind, body) in NO_FORMS.items():
        answer = await http.post("/uploads", content=body, headers=sender | kind)
        assert (answer.status_code, answer.json()["code"]) == (415, "NOT_A_FORM"), name
        assert "上传" in answer.json()["message"]


async def test_only_who_has_a_home_or_a_role_may_send(api: Api, world: World, http: httpx.AsyncClient) -> None:
    assert (await http.post("/uploads", files={"file": jpeg()})).status_code == 401
    refused = await http.post("/uploads", files={"file": jpeg()}, headers={"Authorization": "Bearer nonsense"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert (await send(http, api, await cast_of(world, "guest"), jpeg())).status_code == 403
    assert (await send(http, api, await cast_of(world, "staff"), jpeg())).status_code == 201


async def test_an_account_sends_so_many_and_then_waits(
    api: Api, world: World, http: httpx.AsyncClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, neighbour = await cast_of(world, "resident"), await cast_of(world, "neighbour")
    statuses = [(await send(http, api, resident, b"x")).status_code for _ in range(31)]
    assert statuses == [415] * 30 + [429]  # a refused one counts too: it was looked at
    answer = await send(http, api, resident, jpeg())
    assert (answer.json()["code"], answer.headers["retry-after"]) == ("RATE_LIMITED", "60")
    assert (await send(http, api, neighbour, jpeg())).status_code == 201
    clock.advance(minutes=1)
    assert (await send(http, api, resident, jpeg())).status_code == 201


async def test_a_slow_body_and_too_many_at_once_are_let_go(
    api: Api, world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, neighbour = await cast_of(world, "resident"), await cast_of(world, "neighbour")
    told, other = await headers(api, resident), await headers(api, neighbour)
    started = asyncio.Semaphore(0)

    async def slowly() -> AsyncIterator[bytes]:
        started.release()
        yield b"--B\r\n"
        await asyncio.Event().wait()

    monkeypatch.setattr(routes, "AT_ONCE", 2)
    slow = [asyncio.create_task(http.post("/uploads", content=slowly(), headers=told | FORM)) for _ in range(2)]
    for _ in slow:
        await started.acquire()
    third = await http.post("/uploads", files={"file": jpeg()}, headers=told)
    crowded = await http.post("/uploads", files={"file": jpeg()}, headers=other)
    assert (third.status_code, crowded.status_code) == (429, 503)
    assert [(await each).json()["code"] for each in slow] == ["TOO_SLOW", "TOO_SLOW"]
    assert (await http.post("/uploads", files={"file": jpeg()}, headers=told)).status_code == 201


async def attached(api: Api, world: World, http: httpx.AsyncClient, sender: Person, thing: int = 1) -> str:
    """The path of a picture of a thing in home a111/1."""
    upload = row_id((await send(http, api, sender, jpeg())).json()["id"], "Upload")
    identity = await api.authenticator.identify(f"Bearer {await api.token(sender)}")
    async with api.services.database.unit_of_work(identity.actor) as uow:
        where = await compound_place(uow, world.areas["a111"])
        home = world.homes["a111/1"]
        (number,) = await attach(
            uow, upload_ids=[upload], subject=Subject.REPAIR, subject_id=thing, where=where, home_id=home
        )
    return f"/attachments/{number}"


async def test_an_attached_picture_is_for_those_who_see_what_it_shows(
    api: Api, world: World, http: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    resident = await cast_of(world, "resident")
    path = await attached(api, world, http, resident)
    people = {who: resident if who is Cast.RESIDENT else await cast_of(world, who) for who in Cast}
    for who, person in people.items():
        answer = await http.get(path, headers=await headers(api, person))
        if who in (Cast.NEIGHBOUR, Cast.SIBLING_STAFF, Cast.OTHER_COUNTY, Cast.GUEST):
            absent = await http.get("/attachments/999999", headers=await headers(api, person))
            assert (answer.status_code, answer.content, answer.headers) == (404, b"", absent.headers), who
            continue
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg"), who
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    worker = await world.with_role(Role.SERVICE_WORKER, "a111")
    assert (await http.get(path, headers=await headers(api, worker))).status_code == 200
    elsewhere = await world.with_role(Role.SERVICE_WORKER, "a112")
    assert (await http.get(path, headers=await headers(api, elsewhere))).status_code == 404
    looks = await superuser.fetch("select account_id, object_id from audit_entry where action = 'picture.opened'")
    serving = (Cast.STAFF, Cast.MANAGER, Cast.POLICE, Cast.TOWN, Cast.COUNTY)
    lookers = [worker.id, *(people[who].id for who in serving)]
    assert sorted(map(tuple, looks)) == sorted((each, path.rpartition("/")[2]) for each in lookers)


async def test_who_does_not_see_the_thing_does_not_see_its_picture(
    api: Api, world: World, http: httpx.AsyncClient
) -> None:
    resident = await cast_of(world, "resident")
    path = await attached(api, world, http, resident, thing=2)
    assert (await http.get(path, headers=await headers(api, resident))).status_code == 404


async def test_what_is_no_attachment_is_not_there(api: Api, world: World, http: httpx.AsyncClient) -> None:
    sender = await headers(api, await cast_of(world, "staff"))
    for path in ("x", "0", "-1", "99999999999999", "..%2F..%2Fkeys"):
        assert (await http.get(f"/attachments/{path}", headers=sender)).status_code == 404
    assert (await http.get("/attachments/1")).status_code == 401


async def test_without_a_record_there_is_no_picture(
    api: Api, world: World, http: httpx.AsyncClient, store: LocalPictures, superuser: asyncpg.Connection
) -> None:
    path = await attached(api, world, http, await cast_of(world, "resident"))
    staff = await headers(api, await cast_of(world, "staff"))
    await superuser.execute("revoke execute on function zhian_audit_append(int[], text[]) from zhian_app")
    answer = await http.get(path, headers=staff)
    assert (answer.status_code, answer.content) == (503, b"")
    store.path(await superuser.fetchval("select sha256 from attachment")).unlink()
    assert (await http.get(path, headers=staff)).status_code == 404


async def test_the_application_serves_both(ingest: Ingest) -> None:
    person = await ingest.world.living_in("a111/1")
    session = await ingest.world.session(person)
    token, _ = ingest.services.tokens.issue(
        account_id=person.id,
        session_id=session.session_id,
        token_version=session.token_version,
        now=ingest.services.database.clock(),
    )
    bearer = {"Authorization": f"Bearer {token}"}
    sent = await ingest.client.post("/uploads", files={"file": ("x", jpeg(), "text/html")}, headers=bearer)
    assert sent.status_code == 201
    assert (await ingest.client.get("/attachments/1", headers=bearer)).status_code == 404
