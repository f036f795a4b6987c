"""Files of bills over HTTP and GraphQL: handed in, checked, looked at, confirmed; and handed out again."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from api.community.bills import files
from api.community.bills.files import BillFiles
from api.nodes import global_id
from domain.kernel.actor import Role
from integrations.sheets import MOST_BYTES
from tests.factories.api import Api
from tests.factories.world import Person, World
from workers.bills import BillImports

IMPORT = """id name format state total checked bad applied duplicate amountYuan progress failure
  faults { edges { node { row column code message } } }"""
IMPORTS = f"{{ billImports {{ edges {{ node {{ {IMPORT} }} }} }} }}"
START = "mutation($id: ID!) { startBillImport(id: $id) { state } }"
CONFIRM = "mutation($id: ID!, $skip: Boolean!) { confirmBillImport(id: $id, skipFaulty: $skip) { state progress } }"
CANCEL = "mutation($id: ID!) { cancelBillImport(id: $id) { state } }"
SHEET = """账单编号,类别,账期,金额,截止日期,地址,备注
1,物业费,2026-10,120.50,2026-11-30,a111 1栋/1/1,=1+1
2,物业费,2026-10,,2026-11-30,a111 1栋/1/2,
3,物业费,2026-10,80,2026-11-30,a111 1栋/1/2,
"""


@pytest.fixture
async def http(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    files = BillFiles(api.authenticator, api.services.database, api.services.vault, body_seconds=0.5)
    transport = httpx.ASGITransport(Starlette(routes=files.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as client:
        yield client


@pytest.fixture
async def manager(world: World) -> Person:
    return await world.with_role(Role.PROPERTY_MANAGER, "a111")


async def headers(api: Api, person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {await api.token(person)}", "Accept-Language": "zh-CN"}


async def send(
    http: httpx.AsyncClient, api: Api, person: Person, compound: str, content: bytes = SHEET.encode("gb18030")
) -> httpx.Response:
    where = {"compound": compound, "name": "十月.csv"}
    return await http.post("/imports/bills", params=where, content=content, headers=await headers(api, person))


def area(world: World, name: str = "a111") -> str:
    return global_id("Area", world.areas[name])


async def only(api: Api, person: Person, language: str = "zh-CN") -> Any:
    (edge,) = (await api.ask(IMPORTS, person, language=language)).data["billImports"]["edges"]
    return edge["node"]


async def test_a_file_goes_in_and_its_bills_come_out(
    api: Api, world: World, http: httpx.AsyncClient, manager: Person
) -> None:
    worker = BillImports(api.services.database, api.services.vault)
    taken = await send(http, api, manager, area(world))
    assert taken.status_code == 201
    made = taken.json()["id"]
    uploaded = await only(api, manager)
    assert (uploaded["id"], uploaded["name"], uploaded["state"], uploaded["progress"]) == (
        made,
        "十月.csv",
        "uploaded",
        0,
    )
    assert (await api.ask(START, manager, id=made)).data["startBillImport"] == {"state": "checking"}
    await worker.drain()
    ready = await only(api, manager)
    assert (ready["state"], ready["total"], ready["bad"], ready["amountYuan"]) == ("ready", 3, 1, "200.50")
    fault = {"row": 2, "column": "bill_entry_amount", "code": "MISSING", "message": "缺少必填项"}
    assert [edge["node"] for edge in ready["faults"]["edges"]] == [fault]
    assert (await api.ask(CONFIRM, manager, id=made, skip=False)).codes == ["FAULTY_ROWS"]
    assert (await api.ask(CONFIRM, manager, id=made, skip=True)).data["confirmBillImport"]["state"] == "applying"
    await worker.drain()
    done = await only(api, manager)
    assert (done["state"], done["progress"], done["applied"]) == ("done", 1, 3)
    assert (await api.ask(CANCEL, manager, id=made)).codes == ["IMPORT_STATE"]
    given = await http.get("/exports/bills", params={"compound": area(world)}, headers=await headers(api, manager))
    assert given.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(given.content.decode("utf-8-sig"))))
    names = ("门牌", "名称", "金额", "应缴", "未缴", "状态")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("1", "'=1+1", "120.50", "120.50", "120.50", "open"),
        ("2", "物业费", "80.00", "80.00", "80.00", "open"),
    ]
    other = {"compound": area(world), "period": "2026-09"}
    assert (await http.get("/exports/bills", params=other, headers=await headers(api, manager))).text.count("\n") == 1


async def test_only_the_compounds_office_hands_files_in_or_out(
    api: Api, world: World, http: httpx.AsyncClient, manager: Person, superuser: asyncpg.Connection
) -> None:
    made = (await send(http, api, manager, area(world))).json()["id"]
    people = {
        "resident": (await world.living_in("a111/1"), 404),
        "police": (await world.with_role(Role.COMMUNITY_POLICE, "a11"), 404),
        "sibling": (await world.with_role(Role.PROPERTY_MANAGER, "a112"), 404),
    }
    for name, (person, status) in people.items():
        assert (await send(http, api, person, area(world))).status_code == status, name
        out = await http.get("/exports/bills", params={"compound": area(world)}, headers=await headers(api, person))
        assert out.status_code == status, name
        assert (await api.ask(START, person, id=made)).codes == ["NOT_FOUND"], name
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    assert (await api.ask(CONFIRM, staff, id=made, skip=True)).codes == ["NOT_FOUND"]
    assert (await api.ask(CANCEL, staff, id=made)).data["cancelBillImport"] == {"state": "cancelled"}
    assert await superuser.fetchval("select count(*) from bill_import where content is not null") == 0
    nobody = await http.post("/imports/bills", params={"compound": area(world)}, content=b"x")
    assert (nobody.status_code, nobody.json()["code"], nobody.headers["www-authenticate"]) == (
        401,
        "UNAUTHENTICATED",
        "Bearer",
    )


async def test_what_is_too_large_or_too_often_is_refused(
    api: Api, world: World, http: httpx.AsyncClient, manager: Person
) -> None:
    told = await headers(api, manager) | {"content-length": str(MOST_BYTES + 1)}
    large = await http.post("/imports/bills", params={"compound": area(world)}, content=b"x", headers=told)
    said = large.json()
    assert (large.status_code, said["code"], said["limit"]) == (413, "TOO_LARGE", MOST_BYTES)
    assert str(MOST_BYTES) in said["message"]
    empty = await send(http, api, manager, area(world), b" \r\n")
    assert (empty.status_code, empty.json()["code"]) == (400, "BAD_SHEET")
    for _ in range(20):
        assert (await send(http, api, manager, area(world), b"x")).status_code == 201
    again = await send(http, api, manager, area(world), b"x")
    assert (again.status_code, again.json()["code"]) == (429, "RATE_LIMITED")
    assert int(again.headers["retry-after"]) > 0


async def test_why_a_file_cannot_be_read_is_told(
    api: Api, world: World, http: httpx.AsyncClient, manager: Person
) -> None:
    made = (await send(http, api, manager, area(world), b"PK\x03\x04")).json()["id"]
    await api.ask(START, manager, id=made)
    await BillImports(api.services.database, api.services.vault).drain()
    assert (await only(api, manager))["failure"].startswith("文件无法读取")
    assert (await only(api, manager, "en"))["failure"].startswith("The file cannot be read")


async def test_files_that_come_slowly_are_one_of_an_account_and_few_in_all(
    api: Api, world: World, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [await world.with_role(Role.PROPERTY_STAFF, "a111") for _ in range(2)]
    monkeypatch.setattr(files, "AT_ONCE", 2)
    made = BillFiles(api.authenticator, api.services.database, api.services.vault, body_seconds=3_600)
    transport = httpx.ASGITransport(Starlette(routes=made.routes()))
    started = asyncio.Semaphore(0)

    async def slowly() -> AsyncIterator[bytes]:
        started.release()
        yield b"1"
        await asyncio.Event().wait()

    async with httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as client:

        async def begin(person: Person) -> asyncio.Task[httpx.Response]:
            told, where = await headers(api, person), {"compound": area(world)}
            task = asyncio.create_task(client.post("/imports/bills", params=where, content=slowly(), headers=told))
            await started.acquire()
            return task

        slow = [await begin(manager)]
        assert (await send(client, api, manager, area(world))).status_code == 429
        slow.append(await begin(others[0]))
        assert (await send(client, api, others[1], area(world))).status_code == 429
        for task in slow:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await send(client, api, manager, area(world))).status_code == 201
