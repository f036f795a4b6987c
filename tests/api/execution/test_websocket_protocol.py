"""The 37 cases of the graphql-transport-ws protocol, each over a socket of its own: to the toy, and to the API process.

What needs a stream that ends, a short time or a look inside is asked of the toy alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from api.execution.limits import Limits
from tests.api.execution.serving import client, endpoint_of, serving
from tests.api.execution.toy import Toy, schema
from tests.api.execution.wires import Wire, real_wire, toy_wire
from tests.factories.database import Databases


@pytest.fixture(scope="module")
def api_process(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One API process for all cases."""
    with databases.new() as url, real_wire(url, Path(tmp_path_factory.mktemp("api"))) as made:
        yield made


@pytest.fixture(params=["toy", "real"])
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each case's server."""
    if request.param == "real":
        return request.getfixturevalue("api_process")
    return toy_wire(request.getfixturevalue("toy"), request.getfixturevalue("host"))


async def test_init_is_acknowledged(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)


@pytest.mark.parametrize("protocols", [(), ("mqtt",), ("graphql-ws",)], ids=["none", "unknown", "legacy"])
async def test_another_sub_protocol_closes_4406(wire: Wire, protocols: tuple[str, ...]) -> None:
    async with client(wire.host, protocols) as peer:
        assert (await peer.closed())[0] == 4406


async def test_second_init_closes_4429(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.send({"type": "connection_init"})
        assert (await peer.closed())[0] == 4429


async def test_subscribe_before_ack_closes_4401(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await peer.subscribe(wire.hello)
        assert (await peer.closed())[0] == 4401


async def test_same_id_twice_closes_4409(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.subscribe(wire.silence)
        await peer.subscribe(wire.silence)
        assert (await peer.closed())[0] == 4409


@pytest.mark.parametrize(
    "message",
    ["{", {"type": "shout"}, {"id": "1"}, [], '"x"', "null", "1", {"type": "connection_init", "payload": "x"}],
    ids=["not-json", "unknown-type", "no-type", "list", "string", "null", "number", "init-payload-string"],
)
async def test_bad_message_before_ack_closes_4400(wire: Wire, message: Any) -> None:
    async with client(wire.host) as peer:
        await peer.send(message)
        assert (await peer.closed())[0] == 4400


SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": "{hello}"}}


@pytest.mark.parametrize(
    "message",
    [
        {k: v for k, v in SUBSCRIBE.items() if k != "id"},
        {**SUBSCRIBE, "id": ""},
        {**SUBSCRIBE, "id": 1},
        {**SUBSCRIBE, "id": ["1"]},
        {k: v for k, v in SUBSCRIBE.items() if k != "payload"},
        {**SUBSCRIBE, "payload": {"query": None}},
        {**SUBSCRIBE, "payload": {"query": 1}},
        {**SUBSCRIBE, "payload": {"query": "{hello}", "variables": "x"}},
        {**SUBSCRIBE, "payload": "x"},
        {"type": "complete"},
        b'{"type":"ping"}',
    ],
    ids=[
        "no-id",
        "empty-id",
        "id-number",
        "id-list",
        "no-payload",
        "query-null",
        "query-number",
        "variables-string",
        "payload-string",
        "complete-without-id",
        "binary-frame",
    ],
)
async def test_bad_message_after_ack_closes_4400(wire: Wire, message: Any) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.send(message)
        assert (await peer.closed())[0] == 4400


async def test_ping_is_answered(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.send({"type": "ping"})
        assert await peer.receive() == {"type": "pong"}


async def test_ping_is_answered_before_ack_too(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await peer.send({"type": "ping"})
        assert await peer.receive() == {"type": "pong"}


async def test_ping_payload_is_echoed(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.send({"type": "ping", "payload": {"at": 5}})
        assert await peer.receive() == {"type": "pong", "payload": {"at": 5}}


async def test_query_is_next_and_complete(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        query, value, data = wire.named
        await peer.subscribe(query, n=value)
        assert await peer.collect() == [
            {"id": "1", "type": "next", "payload": {"data": data}},
            {"id": "1", "type": "complete"},
        ]


async def test_subscription_is_next_for_each_and_complete(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.subscribe("subscription{count(to:3)}")
        assert await peer.collect() == [
            *({"id": "1", "type": "next", "payload": {"data": {"count": n}}} for n in (1, 2, 3)),
            {"id": "1", "type": "complete"},
        ]


async def test_validation_error_is_one_error_with_a_list(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.subscribe("{nothing}")
        (message,) = await peer.collect()
        assert message["type"] == "error"
        assert [e["extensions"]["code"] for e in message["payload"]] == ["GRAPHQL_VALIDATION_FAILED"]


async def test_syntax_error_is_one_error_and_the_socket_stays(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.subscribe("{")
        (message,) = await peer.collect()
        assert message["type"] == "error"
        assert [e["extensions"]["code"] for e in message["payload"]] == ["GRAPHQL_PARSE_FAILED"]
        await peer.subscribe(wire.hello, "2")
        assert len(await peer.collect("2")) == 2


async def test_id_is_free_again_after_complete(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        for _ in range(2):
            await peer.subscribe(wire.hello)
            assert len(await peer.collect()) == 2


async def test_complete_by_the_client_stops_the_stream_at_once(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.subscribe(wire.silence)
        await peer.subscribe(wire.hello, "2")
        await peer.collect("2")
        await wire.until_running(1)
        await peer.send({"id": "1", "type": "complete"})
        await peer.subscribe(wire.hello, "3")
        await peer.collect("3")
        assert await wire.running() == 0


async def test_complete_of_an_unknown_id_is_ignored(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.send({"id": "9", "type": "complete"})
        await peer.subscribe(wire.hello)
        assert len(await peer.collect()) == 2


async def test_foreign_origin_is_refused_with_403(wire: Wire) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with client(wire.host, origin="https://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_own_origin_is_let_in(wire: Wire) -> None:
    async with client(wire.host, origin=f"http://{wire.host}") as peer:
        await wire.initialise(peer)


async def test_no_init_in_time_closes_4408(toy: Toy) -> None:
    async with serving(endpoint_of(toy, schema, limits=Limits(init_seconds=0.3))) as host, client(host) as peer:
        assert (await peer.closed())[0] == 4408


async def test_a_frame_over_64_kb_closes_1009(wire: Wire) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        await peer.send('{"type":"ping","payload":{"x":"' + "x" * 65_536 + '"}}')
        assert (await peer.closed())[0] == 1009


async def test_one_socket_runs_a_hundred_operations_and_no_more(wire: Wire, toy: Toy) -> None:
    async with client(wire.host) as peer:
        await wire.initialise(peer)
        for n in range(101):
            await peer.subscribe(wire.silence, f"s{n}")
        (message,) = await peer.collect("s100")
        assert [e["extensions"]["code"] for e in message["payload"]] == ["LIMIT_EXCEEDED"]
        await peer.subscribe(wire.hello, "s100")
        await wire.until_running(100)
    await wire.until_running(0)
    assert toy.made == toy.closed  # the toy counts its contexts


async def test_an_error_of_the_resolver_ends_the_subscription_with_its_code(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.subscribe("subscription{forbidden}")
        (message,) = await peer.collect()
        assert [e["extensions"]["code"] for e in message["payload"]] == ["CONFLICT"]
