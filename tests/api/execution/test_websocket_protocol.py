"""The 37 cases of the graphql-transport-ws protocol, each over a socket of its own to a real server."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.api.execution.serving import client, until
from tests.api.execution.toy import Toy


async def test_init_is_acknowledged(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()


@pytest.mark.parametrize("protocols", [(), ("mqtt",), ("graphql-ws",)], ids=["none", "unknown", "legacy"])
async def test_another_sub_protocol_closes_4406(host: str, protocols: tuple[str, ...]) -> None:
    async with client(host, protocols) as peer:
        assert (await peer.closed())[0] == 4406


async def test_second_init_closes_4429(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.send({"type": "connection_init"})
        assert (await peer.closed())[0] == 4429


async def test_subscribe_before_ack_closes_4401(host: str) -> None:
    async with client(host) as peer:
        await peer.subscribe("{hello}")
        assert (await peer.closed())[0] == 4401


async def test_same_id_twice_closes_4409(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.subscribe("subscription{silence}")
        await peer.subscribe("subscription{silence}")
        assert (await peer.closed())[0] == 4409


@pytest.mark.parametrize(
    "message",
    ["{", {"type": "shout"}, {"id": "1"}, [], '"x"', "null", "1", {"type": "connection_init", "payload": "x"}],
    ids=["not-json", "unknown-type", "no-type", "list", "string", "null", "number", "init-payload-string"],
)
async def test_bad_message_before_ack_closes_4400(host: str, message: Any) -> None:
    async with client(host) as peer:
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
async def test_bad_message_after_ack_closes_4400(host: str, message: Any) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.send(message)
        assert (await peer.closed())[0] == 4400


async def test_ping_is_answered(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.send({"type": "ping"})
        assert await peer.receive() == {"type": "pong"}


async def test_ping_is_answered_before_ack_too(host: str) -> None:
    async with client(host) as peer:
        await peer.send({"type": "ping"})
        assert await peer.receive() == {"type": "pong"}


async def test_ping_payload_is_echoed(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.send({"type": "ping", "payload": {"at": 5}})
        assert await peer.receive() == {"type": "pong", "payload": {"at": 5}}


async def test_query_is_next_and_complete(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.subscribe("query($n:String!){hello(name:$n)}", n="gate")
        assert await peer.collect() == [
            {"id": "1", "type": "next", "payload": {"data": {"hello": "hello gate"}}},
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


async def test_validation_error_is_one_error_with_a_list(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.subscribe("{nothing}")
        (message,) = await peer.collect()
        assert message["type"] == "error"
        assert [e["extensions"]["code"] for e in message["payload"]] == ["GRAPHQL_VALIDATION_FAILED"]


async def test_syntax_error_is_one_error_and_the_socket_stays(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.subscribe("{")
        (message,) = await peer.collect()
        assert message["type"] == "error"
        assert [e["extensions"]["code"] for e in message["payload"]] == ["GRAPHQL_PARSE_FAILED"]
        await peer.subscribe("{hello}", "2")
        assert len(await peer.collect("2")) == 2


async def test_id_is_free_again_after_complete(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        for _ in range(2):
            await peer.subscribe("{hello}")
            assert len(await peer.collect()) == 2


async def test_complete_by_the_client_stops_the_stream_at_once(host: str, toy: Toy) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.subscribe("subscription{silence}")
        await peer.subscribe("{hello}", "2")
        await peer.collect("2")
        assert toy.running == 1
        await peer.send({"id": "1", "type": "complete"})
        await peer.subscribe("{hello}", "3")
        await peer.collect("3")
        assert toy.running == 0


async def test_complete_of_an_unknown_id_is_ignored(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.send({"id": "9", "type": "complete"})
        await peer.subscribe("{hello}")
        assert len(await peer.collect()) == 2


async def test_foreign_origin_is_refused_with_403(host: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with client(host, origin="https://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_own_origin_is_let_in(host: str) -> None:
    async with client(host, origin=f"http://{host}") as peer:
        await peer.initialise()


async def test_no_init_in_time_closes_4408(host: str) -> None:
    async with client(host) as peer:
        assert (await peer.closed())[0] == 4408


async def test_a_frame_over_64_kb_closes_1009(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.send('{"type":"ping","payload":{"x":"' + "x" * 65_536 + '"}}')
        assert (await peer.closed())[0] == 1009


async def test_one_socket_runs_a_hundred_operations_and_no_more(host: str, toy: Toy) -> None:
    async with client(host) as peer:
        await peer.initialise()
        for n in range(101):
            await peer.subscribe("subscription{silence}", f"s{n}")
        (message,) = await peer.collect("s100")
        assert [e["extensions"]["code"] for e in message["payload"]] == ["LIMIT_EXCEEDED"]
        await peer.subscribe("{hello}", "s100")
        assert toy.running == 100
    await until(lambda: toy.running == 0)
    assert toy.made == toy.closed


async def test_an_error_of_the_resolver_ends_the_subscription_with_its_code(host: str) -> None:
    async with client(host) as peer:
        await peer.initialise()
        await peer.subscribe("subscription{forbidden}")
        (message,) = await peer.collect()
        assert [e["extensions"]["code"] for e in message["payload"]] == ["CONFLICT"]
