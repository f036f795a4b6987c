"""A reader that stops costs bounded memory and is closed with a code; its neighbours feel nothing."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from api.execution.limits import Limits
from tests.api.execution.serving import PROTOCOL, client, endpoint_of, serving, until
from tests.api.execution.toy import Toy, schema
from tests.factories.patience import PATIENCE

FEED = "subscription{toyFeed{cursor text}}"


def small_socket() -> socket.socket:
    """A TCP socket that can hold little of what it does not read."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.setblocking(False)
    return made


class Stalled:
    """A subscriber over a bare TCP socket with a small receive buffer, read only when told."""

    def __init__(self, host: str) -> None:
        self._protocol = ClientProtocol(parse_uri(f"ws://{host}/graphql"), subprotocols=[PROTOCOL])
        name, port = host.split(":")
        self._socket = small_socket()
        self._address = (name, int(port))
        self.frames: list[Frame] = []

    async def open(self, query: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, self._address)
        self._protocol.send_request(self._protocol.connect())
        await self._flush()
        await self.read(lambda: self._protocol.state.name == "OPEN")
        for message in ({"type": "connection_init"}, {"id": "1", "type": "subscribe", "payload": {"query": query}}):
            self._protocol.send_text(json.dumps(message).encode())
        await self._flush()

    async def read(self, enough: Any) -> None:
        """Read until ``enough()`` or the end."""
        while not enough():
            async with asyncio.timeout(PATIENCE):
                data = await asyncio.get_running_loop().sock_recv(self._socket, 65_536)
            if not data:
                return
            self._protocol.receive_data(data)
            self.frames += [e for e in self._protocol.events_received() if isinstance(e, Frame)]

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    def close_code(self) -> int | None:
        closing = [f for f in self.frames if f.opcode is Opcode.CLOSE]
        return int.from_bytes(bytes(closing[0].data)[:2], "big") if closing else None

    def close(self) -> None:
        self._socket.close()


async def test_full_queue_closes_1013_and_the_healthy_reader_gets_everything() -> None:
    toy = Toy()
    limits = Limits(queue=16, send_seconds=PATIENCE, farewell_seconds=PATIENCE)
    async with serving(endpoint_of(toy, schema, limits=limits)) as host, client(host) as healthy:
        await healthy.initialise()
        await healthy.subscribe(FEED)
        stalled = Stalled(host)
        await stalled.open(FEED)
        await until(lambda: toy.hub.members() == {"toys": 2})
        sent = 0
        while toy.hub.members() == {"toys": 2}:
            toy.say("x" * 50_000)
            sent += 1
            await healthy.receive()
            assert sent < 500, "a reader that does not read is still attached"
        await stalled.read(lambda: stalled.close_code() is not None)
        assert stalled.close_code() == 1013
        received = [json.loads(bytes(f.data)) for f in stalled.frames if f.opcode is Opcode.TEXT and f.fin]
        cursors = [m["payload"]["data"]["toyFeed"]["cursor"] for m in received if m["type"] == "next"]
        assert cursors == [r.cursor.encode() for r in toy.log.rows][: len(cursors)]
        stalled.close()


@pytest.mark.parametrize("reads_again", [True, False], ids=["reads-again", "never-reads"])
async def test_send_deadline_closes_1013_or_cuts(reads_again: bool) -> None:
    toy = Toy()
    limits = Limits(queue=10_000, send_seconds=0.4, farewell_seconds=PATIENCE if reads_again else 0.3)
    endpoint = endpoint_of(toy, schema, limits=limits)
    async with serving(endpoint) as host:
        stalled = Stalled(host)
        await stalled.open(FEED)
        await until(lambda: toy.hub.members() == {"toys": 1})
        for _ in range(200):
            toy.say("x" * 50_000)
        await until(lambda: toy.hub.members() == {"toys": 0})
        assert endpoint.open_connections == 0
        if not reads_again:
            await until(lambda: host.connections() == 0)  # the farewell has run out
        await stalled.read(lambda: stalled.close_code() is not None)  # or to the end of the connection
        assert stalled.close_code() == (1013 if reads_again else None)
        assert sum(len(frame.data) for frame in stalled.frames) < 1_000_000  # all that was buffered anywhere
        stalled.close()


@pytest.mark.parametrize("reads_again", [True, False], ids=["reads-again", "never-reads"])
async def test_a_reader_that_answers_no_ping_is_let_go_before_its_send_is_late(
    reads_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.execution.server.FAREWELL_SECONDS", PATIENCE if reads_again else 0.3)
    toy = Toy()
    endpoint = endpoint_of(toy, schema, limits=Limits(send_seconds=PATIENCE))
    async with serving(endpoint, ws_ping_interval=0.5, ws_ping_timeout=0.5) as host:
        stalled = Stalled(host)
        await stalled.open(FEED)
        await until(lambda: toy.hub.members() == {"toys": 1})
        if not reads_again:  # its close frame stands behind more than it can hold
            for _ in range(200):
                toy.say("x" * 50_000)
        await until(lambda: toy.hub.members() == {"toys": 0})
        assert endpoint.open_connections == 0
        if not reads_again:
            await until(lambda: host.connections() == 0)  # the farewell has run out
        await stalled.read(lambda: stalled.close_code() is not None)  # or to the end of the connection
        assert stalled.close_code() == (1013 if reads_again else None)
        stalled.close()


async def test_event_stream_that_is_not_read_is_cut() -> None:
    toy = Toy()
    limits = Limits(queue=10_000, send_seconds=0.4)
    async with serving(endpoint_of(toy, schema, limits=limits)) as host:
        name, port = host.split(":")
        loop, peer = asyncio.get_running_loop(), small_socket()
        await loop.sock_connect(peer, (name, int(port)))
        body = json.dumps({"query": FEED}).encode()
        await loop.sock_sendall(
            peer,
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n"
            + f"content-length: {len(body)}\r\n\r\n".encode()
            + body,
        )
        await until(lambda: toy.hub.members() == {"toys": 1})
        for _ in range(200):
            toy.say("x" * 50_000)
        await until(lambda: toy.hub.members() == {"toys": 0})
        received = bytearray()
        async with asyncio.timeout(PATIENCE):
            while data := await loop.sock_recv(peer, 65_536):
                received += data
        assert received.count(b"event: next") < 200
        assert not received.endswith(b"0\r\n\r\n")  # broken off, not ended
        peer.close()
