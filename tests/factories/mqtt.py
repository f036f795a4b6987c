"""Devices that publish: the embedded broker over the real intake, and paho clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from integrations.bootstrap import Services
from integrations.devices.mqtt.broker import DeviceBroker
from integrations.devices.mqtt.intake import Intake
from tests.factories.ingest import Speaker
from tests.factories.patience import PATIENCE


@asynccontextmanager
async def broker(services: Services) -> AsyncIterator[int]:
    """The embedded broker; gives its port."""
    made = DeviceBroker("127.0.0.1", 0, directory=services.directory, intake=Intake(services.intake))
    await made.start()
    try:
        yield made.listening_port
    finally:
        await made.close()


async def publish(port: int, speaker: Speaker, messages: Iterable[tuple[str, bytes]]) -> None:
    """Publish as ``speaker`` at QoS 1, below its own topics; returns when all are acknowledged.

    What is published while the broker has hung up is sent when it is there again: acknowledgements are counted, as a
    message's own ``wait_for_publish`` gives up for having been published in such a moment.
    """
    client = Client(CallbackAPIVersion.VERSION2, client_id="device", clean_session=False)
    client.username_pw_set(*speaker.login)
    client.max_inflight_messages_set(200)
    client.max_queued_messages_set(0)

    acknowledged, heard = set[int](), threading.Condition()

    def note(*said: Any) -> None:
        with heard:
            acknowledged.add(said[2])
            heard.notify_all()

    client.on_publish = note

    def work() -> None:
        client.connect("127.0.0.1", port)
        client.loop_start()
        sent = {client.publish(speaker.topics + topic, payload, qos=1).mid for topic, payload in messages}
        with heard:
            assert heard.wait_for(lambda: sent <= acknowledged, PATIENCE)
        client.disconnect()
        client.loop_stop()

    await asyncio.to_thread(work)


def packet(kind: int, body: bytes) -> bytes:
    """An MQTT control packet by its first byte."""
    length, size = b"", len(body)
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (0x80 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


def text(value: str) -> bytes:
    """A string with its length."""
    return len(value.encode()).to_bytes(2, "big") + value.encode()


async def publish_again(port: int, speaker: Speaker, topic: str, payload: bytes, times: int) -> int:
    """Publish one message ``times`` times under one packet id, with DUP from the second on; the number of PUBACKs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    user, password = speaker.login
    writer.write(packet(0x10, text("MQTT") + b"\x04\xc2\x00\x3c" + text("again") + text(user) + text(password)))
    assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
    acknowledged = 0
    for number in range(times):
        kind = 0x3A if number else 0x32
        writer.write(packet(kind, text(speaker.topics + topic) + b"\x00\x07" + payload))
        acknowledged += await reader.readexactly(4) == b"\x40\x02\x00\x07"
    writer.write(b"\xe0\x00")
    writer.close()
    await writer.wait_closed()
    return acknowledged
