"""Open sockets end with their rights: token expiry, revoked session, changed role, lost news."""

from __future__ import annotations

import asyncio

import pytest

from api.execution.access import Connections, Credentials, Farewell, SignIn, Stranger
from api.execution.limits import Limits
from domain.kernel.actor import Role
from tests.api.execution.serving import client, endpoint_of, serving, until
from tests.api.execution.toy import Toy, schema
from tests.factories.patience import PATIENCE


async def test_bad_token_closes_4403(host: str) -> None:
    async with client(host) as peer:
        await peer.send({"type": "connection_init", "payload": {"Authorization": "Bearer nobody"}})
        assert (await peer.closed())[0] == 4403


async def test_token_in_the_handshake_headers_works_too(host: str) -> None:
    async with client(host, additional_headers={"Authorization": "Bearer hong"}) as peer:
        await peer.initialise()
        await peer.subscribe("{viewer}")
        assert (await peer.collect())[0]["payload"] == {"data": {"viewer": 2}}


async def test_expired_token_closes_4403_which_clients_retry(host: str, toy: Toy) -> None:
    toy.gate.seconds = 0.2
    async with client(host) as peer:
        await peer.initialise(authorization="Bearer ming")
        await peer.subscribe("subscription{toyFeed{text}}")
        assert await peer.closed() == (4403, "Token expired")
    assert toy.hub.members() == {"toys": 0}


async def test_revoked_session_ends_its_sockets_and_no_others(toy: Toy) -> None:
    endpoint = endpoint_of(toy, schema)
    async with serving(endpoint) as host, client(host) as ming, client(host) as hong:
        await ming.initialise(authorization="Bearer ming")
        await hong.initialise(authorization="Bearer hong")
        assert endpoint.open_connections == 2
        del toy.gate.accounts["ming"]
        endpoint.access_changed(frozenset({1, 2}))
        assert await ming.closed() == (4403, "Access ended")
        await hong.subscribe("{viewer}")
        assert (await hong.collect())[0]["payload"] == {"data": {"viewer": 2}}
        assert endpoint.open_connections == 1


async def test_changed_role_ends_the_socket_so_that_feeds_resume_with_the_new_rights(toy: Toy) -> None:
    endpoint = endpoint_of(toy, schema)
    async with serving(endpoint) as host, client(host) as peer:
        await peer.initialise(authorization="Bearer ming")
        toy.gate.role = Role.PROPERTY_MANAGER
        endpoint.access_changed(frozenset({1}))
        assert await peer.closed() == (4403, "Access changed")


async def test_rights_that_cannot_be_checked_end_the_socket(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = endpoint_of(toy, schema)
    async with serving(endpoint) as host, client(host) as peer:
        await peer.initialise(authorization="Bearer ming")
        monkeypatch.setattr(toy.gate, "accounts", None)  # looking up raises TypeError
        endpoint.access_changed(frozenset({1}))
        assert await peer.closed() == (4403, "Access could not be checked")


async def test_lost_news_is_made_good_by_looking_again(toy: Toy) -> None:
    limits = Limits(recheck_seconds=0.2, send_seconds=0.2)
    async with serving(endpoint_of(toy, schema, limits=limits)) as host, client(host) as peer:
        await peer.initialise(authorization="Bearer ming")
        toy.gate.accounts.clear()
        assert await peer.closed() == (4403, "Access ended")


async def test_everybody_is_checked_when_no_account_is_named(toy: Toy) -> None:
    endpoint = endpoint_of(toy, schema)
    async with serving(endpoint) as host, client(host) as ming, client(host) as nobody:
        await ming.initialise(authorization="Bearer ming")
        await nobody.initialise()
        asked = toy.gate.asked
        endpoint.access_changed(frozenset())
        await until(lambda: toy.gate.asked == asked + 1)
        await nobody.subscribe("{viewer}")
        assert (await nobody.collect())[0]["payload"] == {"data": {"viewer": None}}


async def test_each_operation_has_a_context_of_its_own_closed_at_its_end(host: str, toy: Toy) -> None:
    async with client(host) as peer:
        await peer.initialise(authorization="Bearer ming")
        for id_ in ("1", "2"):
            await peer.subscribe("{viewer}", id_)
            await peer.collect(id_)
        assert toy.made == toy.closed == 2
        await peer.subscribe("subscription{toyFeed{text account}}", "3")
        await until(lambda: toy.closed == 3)  # a feed does not hold its operation's context
        await asyncio.sleep(0)
        toy.log.add("smoke")
        assert (await peer.receive())["payload"] == {"data": {"toyFeed": {"text": "smoke", "account": 1}}}
        assert toy.made == toy.closed == 4


async def test_a_crowd_that_does_not_read_is_let_go_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    seen: set[int] = set()

    class Blocked:
        def __init__(self) -> None:
            self.credentials: Credentials = {}
            self.sign_in = Stranger()

        def end(self, code: Farewell, reason: str) -> None:
            assert code is Farewell.TRY_LATER
            ended.append(1)
            connections.remove(self)

        def blocked_since(self) -> float | None:
            return float("-inf")

    async def nobody(_: Credentials) -> SignIn:
        raise AssertionError

    monkeypatch.setattr("api.execution.access.ENDED_PAUSE", 0.0)
    connections = Connections(nobody, send_seconds=0.01, recheck_seconds=60)
    for _ in range(25):
        connections.add(Blocked())
    async with asyncio.timeout(PATIENCE):
        while len(connections):
            await asyncio.sleep(0)
            seen.add(len(ended))
    assert seen >= {10, 20, 25}
