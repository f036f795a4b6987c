"""The client of an outside broker, byte by byte: a scripted MQTT 5 broker sees what is acknowledged, and when."""

from __future__ import annotations

import asyncio

import pytest

from integrations.devices.mqtt.bridge import Bridge, BrokerAddress, BrokerRefused, Patience
from tests.factories.patience import PATIENCE

QUICK = Patience(connect=5.0, settle=5.0, first_retry=0.02, longest_retry=0.05)
CONNACK, SUBACK = b"\x20\x03\x00\x00\x00", b"\x90\x04\x00\x01\x00\x01"
CONNECT_TYPE, PUBACK_TYPE, SUBSCRIBE_TYPE, DISCONNECT_TYPE = 1, 4, 8, 14


def publish(packet_id: int, topic: str, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2) + topic.encode() + packet_id.to_bytes(2) + b"\x00" + payload
    return bytes((0x32, len(body))) + body


class Script:
    """Answers CONNECT and SUBSCRIBE; keeps the packets that came, per connection."""

    def __init__(self, connack: bytes = CONNACK, suback: bytes = SUBACK) -> None:
        self.answers = {CONNECT_TYPE: connack, SUBSCRIBE_TYPE: suback}
        self.connections: list[list[tuple[int, bytes]]] = []
        self.writer: asyncio.StreamWriter | None = None
        self.changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets: list[tuple[int, bytes]] = []
        self.connections.append(packets)
        self.writer = writer
        try:
            while True:
                first, length = await reader.readexactly(2)
                assert length < 128
                packets.append((first >> 4, await reader.readexactly(length)))
                writer.write(self.answers.get(first >> 4, b""))
                async with self.changed:
                    self.changed.notify_all()
        except (EOFError, ConnectionError):
            writer.close()

    async def until(self, true) -> None:
        async with self.changed, asyncio.timeout(PATIENCE):
            await self.changed.wait_for(true)

    def acknowledged(self, connection: int = -1) -> list[int]:
        return [int.from_bytes(body[:2]) for kind, body in self.connections[connection] if kind == PUBACK_TYPE]


@pytest.fixture
async def start(directory, sink):
    servers, tasks = [], []

    async def run(script: Script) -> asyncio.Task:
        server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        servers.append(server)
        address = BrokerAddress.read(f"mqtt://user:word@127.0.0.1:{server.sockets[0].getsockname()[1]}")
        bridge = Bridge(address, directory=directory, sink=sink, patience=QUICK)
        task = asyncio.create_task(bridge.run())
        tasks.append(task)
        return task

    yield run
    sink.open.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for server in servers:
        server.close()


async def test_acknowledgements_come_after_the_commit_and_in_order(start, sink, monkeypatch):
    gates = {b"%d" % n: asyncio.Event() for n in range(3)}
    handle = sink.handle

    async def gated(device, message, payload):
        await gates[payload].wait()
        await handle(device, message, payload)

    monkeypatch.setattr(sink, "handle", gated)
    script = Script()
    await start(script)
    await script.until(lambda: script.connections and script.connections[-1][-1][0] == SUBSCRIBE_TYPE)
    for n in range(3):
        script.writer.write(publish(n + 1, "c/3/d/7/sensor", b"%d" % n))
    gates[b"2"].set()
    gates[b"1"].set()
    await sink.until(lambda: len(sink.stored) == 2)
    assert script.acknowledged() == []
    gates[b"0"].set()
    await script.until(lambda: len(script.acknowledged()) == 3)
    assert script.acknowledged() == [1, 2, 3]


async def test_a_failure_ends_the_connection_without_an_acknowledgement(start, sink):
    sink.failing.add(b"bad")
    script = Script()
    await start(script)
    await script.until(lambda: script.connections and script.connections[-1][-1][0] == SUBSCRIBE_TYPE)
    script.writer.write(publish(9, "c/3/d/7/sensor", b"bad"))
    await script.until(lambda: len(script.connections) == 2 and script.connections[1][-1][0] == SUBSCRIBE_TYPE)
    assert script.connections[0][-1][0] == DISCONNECT_TYPE
    assert script.acknowledged(0) == []


async def test_a_late_commit_is_not_acknowledged_on_a_later_connection(start, sink):
    """There, its packet id may be another message's."""
    sink.open.clear()
    script = Script()
    await start(script)
    await script.until(lambda: script.connections and script.connections[-1][-1][0] == SUBSCRIBE_TYPE)
    script.writer.write(publish(9, "c/3/d/7/sensor", b"late"))
    await sink.until(lambda: len(sink.started) == 1)
    script.writer.close()
    await script.until(lambda: len(script.connections) == 2 and script.connections[1][-1][0] == SUBSCRIBE_TYPE)
    sink.open.set()
    await sink.until(lambda: len(sink.stored) == 1)
    script.writer.write(publish(10, "c/3/d/7/sensor", b"next"))
    await script.until(lambda: bool(script.acknowledged()))
    assert script.acknowledged() == [10]


async def test_the_session_is_kept_by_the_broker(start):
    script = Script()
    await start(script)
    await script.until(lambda: bool(script.connections and script.connections[0]))
    _, connect = script.connections[0][0]
    version, flags = connect[6], connect[7]
    assert (version, flags & 0x02) == (5, 0)  # no clean start
    assert b"\x11" + (7 * 86400).to_bytes(4) in connect  # session expiry
    assert b"zhian-ingest" in connect


@pytest.mark.parametrize(
    ("connack", "suback"),
    [
        (b"\x20\x03\x00\x86\x00", SUBACK),
        (b"\x20\x03\x00\x87\x00", SUBACK),
        (b"\x20\x02\x00\x01", SUBACK),
        (CONNACK, b"\x90\x04\x00\x01\x00\x87"),
        (CONNACK, b"\x90\x04\x00\x01\x00\x00"),
    ],
    ids=["password", "not authorised", "no MQTT 5", "subscription refused", "QoS 0 only"],
)
async def test_a_broker_that_cannot_be_used_is_refused(start, connack, suback):
    task = await start(Script(connack, suback))
    with pytest.raises(BrokerRefused):
        await asyncio.wait_for(task, PATIENCE)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "mqtt://", "127.0.0.1:1883"])
def test_only_an_mqtt_address_is_read(url):
    with pytest.raises(ValueError, match="mqtt"):
        BrokerAddress.read(url)


def test_an_address_tells_everything():
    address = BrokerAddress.read("mqtts://us%40er:p%3Aw@broker.example/?client_id=zhian-2&share=ingest")
    assert (address.host, address.port, address.tls) == ("broker.example", 8883, True)
    assert (address.username, address.password, address.client_id) == ("us@er", "p:w", "zhian-2")
    assert address.topic_filter == "$share/ingest/c/+/d/+/#"
