"""MQTT 3.1.1 packets as they come off the wire, read with a cap and taken apart strictly."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from amqtt.adapters import BufferReader
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt import packet_class
from amqtt.mqtt.packet import MQTTFixedHeader

CONNECT: Final = 1
PUBLISH: Final = 3
CONTROL_BYTES: Final = 64 * 1024
PINGRESP: Final = b"\xd0\x00"


class Malformed(Exception):
    """The peer broke the protocol: its connection is closed."""


class WrongVersion(Malformed):
    """A CONNECT of another protocol version than 3.1.1, to be told so."""


@dataclass(frozen=True, slots=True)
class Header:
    """A fixed header: packet type, flags and the number of bytes that follow."""

    type: int
    flags: int
    length: int


@dataclass(frozen=True, slots=True)
class Publish:
    """A PUBLISH; ``packet_id`` is 0 at QoS 0."""

    topic: str
    packet_id: int
    qos: int
    dup: bool
    retain: bool
    payload: bytes


def acknowledgement(kind: int, packet_id: int) -> bytes:
    """PUBACK (4), PUBREC (5) or PUBCOMP (7) of ``packet_id``."""
    return bytes((kind << 4, 2, packet_id >> 8, packet_id & 0xFF))


def connack(return_code: int, *, session_present: bool = False) -> bytes:
    """CONNACK: 0 accepted, 1 version, 2 client id, 3 try later, 4 bad user name or password."""
    return bytes((0x20, 2, session_present, return_code))


async def read_header(reader: asyncio.StreamReader) -> Header:
    """Read a fixed header. Raises IncompleteReadError at the end of the stream, Malformed on a bad length."""
    first, byte = await reader.readexactly(2)
    length, shift = byte & 0x7F, 0
    while byte & 0x80:
        shift += 7
        if shift > 21:
            raise Malformed("length")
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
    return Header(first >> 4, first & 0x0F, length)


def read_publish(header: Header, body: bytes) -> Publish:
    """Take a PUBLISH apart; ``body`` may stop after the packet id. Raises Malformed."""
    qos = (header.flags >> 1) & 3
    end = 2 + int.from_bytes(body[:2])
    payload = end + (2 if qos else 0)
    if qos == 3 or end == 2 or payload > len(body):
        raise Malformed("publish")
    try:
        topic = body[2:end].decode()
    except UnicodeDecodeError as error:
        raise Malformed("topic") from error
    packet_id = int.from_bytes(body[end:payload])
    if (qos and not packet_id) or "#" in topic or "+" in topic or "\x00" in topic:
        raise Malformed("publish")
    return Publish(topic, packet_id, qos, bool(header.flags & 8), bool(header.flags & 1), body[payload:])


async def read_control(header: Header, reader: asyncio.StreamReader) -> Any:
    """Read any other packet as amqtt's own class. Raises Malformed."""
    if header.length > CONTROL_BYTES:
        raise Malformed("too long")
    return await _decode(header, await reader.readexactly(header.length))


async def read_connect(reader: asyncio.StreamReader) -> Any:
    """Read the first packet, a CONNECT of MQTT 3.1.1. Raises Malformed, WrongVersion."""
    header = await read_header(reader)
    if header.type != CONNECT or header.length > CONTROL_BYTES:
        raise Malformed("no CONNECT")
    body = await reader.readexactly(header.length)
    if (body.startswith(b"\x00\x04MQTT") and body[6:7] not in (b"", b"\x04")) or body.startswith(b"\x00\x06MQIsdp"):
        raise WrongVersion
    packet = await _decode(header, body)
    if packet.proto_name != "MQTT" or packet.reserved_flag:
        raise Malformed("CONNECT")
    return packet


async def _decode(header: Header, body: bytes) -> Any:
    fixed = MQTTFixedHeader(header.type, header.flags, header.length)
    try:
        return await packet_class(fixed).from_stream(BufferReader(body), fixed_header=fixed)
    except (AMQTTError, MQTTError, NoDataError, ValueError, IndexError, KeyError, TypeError) as error:
        raise Malformed("control packet") from error
