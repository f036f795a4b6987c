"""Bills handed out to a peer that stops reading, or may read no more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import QueuePool
from starlette.requests import Request

from api.community.bills import files
from api.community.bills.files import BillFiles
from api.execution.server import EXTENSION
from domain.community.bills import exports
from domain.identity.roles.service import revoke_role
from domain.identity.sessions.service import sign_out
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.errors import DomainError
from tests.api.community.bills.test_files import START, area, http, manager, send
from tests.factories.api import Api
from tests.factories.world import Person, World
from workers.bills import BillImports

__all__ = ["http", "manager"]
CONFIRM = "mutation($id: ID!) { confirmBillImport(id: $id, skipFaulty: true) { state } }"


class Peer:
    """Asks for the bills of a compound, and reads as many pieces as it likes."""

    def __init__(self, api: Api, token: str, compound: str, *, reads: int, seconds: float) -> None:
        services = api.services
        self.files = BillFiles(api.authenticator, services.database, services.vault, send_seconds=seconds)
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/exports/bills",
            "headers": [(b"authorization", f"Bearer {token}".encode())],
            "query_string": f"compound={compound}".encode(),
            "extensions": {EXTENSION: {"cut": lambda *_: self.gone.set()}},
        }
        self.left = reads
        self.pieces: list[bytes] = []
        self.whole = False
        self.stalled, self.gone = asyncio.Event(), asyncio.Event()

    async def ask(self) -> int:
        """The status of the answer, which is then sent to its end."""
        response = await self.files.give(Request(self.scope))
        await response(self.scope, self._receive, self._send)
        return response.status_code

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if not message.get("body"):
            self.whole |= message["type"] == "http.response.body" and not message.get("more_body")
            return
        self.pieces.append(message["body"])
        if len(self.pieces) > self.left:
            self.stalled.set()
            await asyncio.Event().wait()


async def sign_out_everywhere(api: Api, person: Person) -> None:
    actor = Actor(ActorKind.ACCOUNT, account_id=person.id, session_id=1)
    async with api.services.database.unit_of_work(actor) as uow:
        await sign_out(uow, everywhere=True)
    api.authenticator.forget()


@pytest.fixture
async def bills(api: Api, world: World, http: Any, manager: Person, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two bills, given out one by one; the compound."""
    made = (await send(http, api, manager, area(world))).json()["id"]
    worker = BillImports(api.services.database, api.services.vault)
    for step in (START, CONFIRM):
        await api.ask(step, manager, id=made)
        await worker.drain()
    monkeypatch.setattr(files, "BATCH", 1)
    monkeypatch.setattr(exports, "BATCH", 1)
    return area(world)


async def test_a_peer_that_stops_reading_holds_no_connection(api: Api, manager: Person, bills: str) -> None:
    token = await api.token(manager)
    slow, second = (Peer(api, token, bills, reads=1, seconds=3_600) for _ in range(2))
    second.files = slow.files
    asked = asyncio.create_task(slow.ask())
    await slow.stalled.wait()
    pool = api.services.database.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() == 0
    assert await second.ask() == 429  # one at a time
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    second.left, second.pieces = 9, []
    assert await second.ask() == 200
    assert (second.whole, len(second.pieces)) == (True, 3)  # the head and two bills
    assert not second.gone.is_set()


async def test_a_peer_that_stops_reading_is_hung_up_on(api: Api, manager: Person, bills: str) -> None:
    peer = Peer(api, await api.token(manager), bills, reads=1, seconds=0.01)
    assert await peer.ask() == 200
    assert peer.gone.is_set()
    assert not peer.whole


@pytest.mark.parametrize("ends", ["sign-in", "role"])
async def test_who_may_read_no_more_gets_no_more(
    api: Api, world: World, manager: Person, bills: str, ends: str
) -> None:
    peer = Peer(api, await api.token(manager), bills, reads=9, seconds=3_600)
    taken = peer._send

    async def end_then_take(message: Any) -> None:
        if message.get("body") and len(peer.pieces) == 1:  # the first bill
            if ends == "role":
                async with world.database.unit_of_work(world.everywhere) as uow:
                    await revoke_role(uow, grant_id=await world.grant_id(manager))
            else:
                await sign_out_everywhere(api, manager)
            api.authenticator.forget()
        await taken(message)

    peer._send = end_then_take  # type: ignore[method-assign]  # the same peer, with something on the way
    assert await peer.ask() == 200
    assert (peer.whole, len(peer.pieces)) == (False, 2)
    assert peer.gone.is_set()


async def test_without_a_server_that_cuts_the_error_ends_it(api: Api, manager: Person, bills: str) -> None:
    token = await api.token(manager)
    peer = Peer(api, token, bills, reads=9, seconds=3_600)
    del peer.scope["extensions"]
    response = await peer.files.give(Request(peer.scope))
    await sign_out_everywhere(api, manager)
    with pytest.raises(DomainError):
        await response(peer.scope, peer._receive, peer._send)
    assert not peer.whole
