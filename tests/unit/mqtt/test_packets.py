"""Packets off the wire: anything is read or refused as malformed, never anything else."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.devices.mqtt import packets
from integrations.devices.mqtt.packets import Header, Malformed, Publish


def stream(content: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(content)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"\xc0\x00", Header(12, 0, 0)),
        (b"\x3d\x7f", Header(3, 13, 127)),
        (b"\x30\x80\x01", Header(3, 0, 128)),
        (b"\x30\xff\xff\xff\x7f", Header(3, 0, 268_435_455)),
    ],
)
async def test_headers_are_read(content, header):
    assert await packets.read_header(stream(content)) == header


async def test_a_length_of_five_bytes_is_malformed():
    with pytest.raises(Malformed):
        await packets.read_header(stream(b"\x30\xff\xff\xff\xff\x01"))


def test_a_publish_is_taken_apart():
    body = b"\x00\x03a/b\x01\x02payload"
    assert packets.read_publish(Header(3, 0b1011, len(body)), body) == Publish("a/b", 258, 1, True, True, b"payload")
    body = b"\x00\x03a/b"
    assert packets.read_publish(Header(3, 0, len(body)), body) == Publish("a/b", 0, 0, False, False, b"")


@given(st.integers(0, 15), st.binary(max_size=60))
def test_any_publish_is_read_or_malformed(flags, body):
    try:
        publish = packets.read_publish(Header(3, flags, len(body)), body)
    except Malformed:
        return
    assert publish.topic
    assert publish.qos < 3
    assert bool(publish.packet_id) == bool(publish.qos)


@given(st.sampled_from([1, 2, *range(4, 15)]), st.integers(0, 15), st.binary(max_size=120))
def test_any_other_packet_is_read_or_malformed(kind, flags, body):
    async def read() -> None:
        with contextlib.suppress(Malformed):
            await packets.read_control(Header(kind, flags, len(body)), stream(body))

    asyncio.run(read())


@given(st.binary(max_size=120))
def test_any_first_packet_is_read_or_malformed(body):
    async def read() -> None:
        with contextlib.suppress(Malformed):
            await packets.read_connect(stream(bytes((0x10, len(body))) + body))

    asyncio.run(read())


@pytest.mark.parametrize(("kind", "content"), [(4, b"\x40\x02\x01\x02"), (5, b"\x50\x02\x01\x02")])
def test_acknowledgements(kind, content):
    assert packets.acknowledgement(kind, 258) == content
