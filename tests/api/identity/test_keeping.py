"""endSessions: the way out for somebody else."""

from __future__ import annotations

import asyncio

import pytest

from api.execution.access import Connections, Credentials, Farewell
from api.nodes import global_id
from domain.kernel.actor import Role
from domain.kernel.errors import Unauthenticated
from domain.kernel.uow import News
from tests.api.identity.test_required_factor import Socket
from tests.factories.api import Api
from tests.factories.patience import PATIENCE
from tests.factories.world import World

END = "mutation($account: ID!, $reason: String!) { endSessions(account: $account, reason: $reason) }"
VIEWER = "{ viewer { account { id } } }"
ENTRIES = '{ auditLog(action: "session.ended_by_keeper") { edges { node { told object details } } } }'


async def test_a_residents_sign_ins_end_at_once_and_the_office_reads_why(api: Api, world: World) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    resident = await world.living_in("a111/1")
    assert (await api.ask(VIEWER, resident)).errors == []
    whom = global_id("Account", resident.id)
    assert (await api.ask(END, manager, account=whom, reason="手机遗失")).data == {"endSessions": 1}
    api.authenticator.forget([resident.id])
    with pytest.raises(Unauthenticated):
        await api.ask(VIEWER, resident)
    (edge,) = (await api.ask(ENTRIES, manager)).data["auditLog"]["edges"]
    assert edge["node"] == {
        "told": "Ended somebody's sign-ins", "object": whom, "details": {"reason": "手机遗失", "ended": 1},
    }  # fmt: skip
    assert (await api.ask(END, manager, account=whom, reason="再次")).data == {"endSessions": 0}


async def test_somebody_out_of_sight_is_as_if_never_there(api: Api, world: World) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    stranger = await world.living_in("a112/1")
    outside = await api.ask(END, manager, account=global_id("Account", stranger.id), reason="x")
    absent = await api.ask(END, manager, account=global_id("Account", 99999), reason="x")
    assert outside == absent
    assert outside.codes == ["NOT_FOUND"]
    assert (await api.ask(END, stranger, account=global_id("Account", manager.id), reason="x")).codes == ["NOT_FOUND"]


async def test_open_sockets_end_by_what_is_said_after_the_commit(api: Api, world: World, news: list[News]) -> None:
    manager, resident = await world.with_role(Role.PROPERTY_MANAGER, "a111"), await world.living_in("a111/1")
    token = await api.token(resident)
    socket = Socket(token, await api.authenticator.authenticate(f"Bearer {token}"))

    async def authenticate(credentials: Credentials) -> object:
        return await api.authenticator.authenticate(credentials["authorization"])

    connections = Connections(authenticate, send_seconds=60, recheck_seconds=60)
    connections.add(socket)
    news.clear()
    assert not (await api.ask(END, manager, account=global_id("Account", resident.id), reason="手机遗失")).errors
    for said in news:
        api.authenticator.forget(said.accounts)
        connections.access_changed(said.accounts)
    async with asyncio.timeout(PATIENCE):
        assert await socket.ended == (Farewell.ACCESS_ENDED, "Access ended")
    connections.remove(socket)
