"""Who gets in, and what each may do."""

from __future__ import annotations

import asyncio

import pytest

from domain.security.devices.observation import Reason
from integrations.devices.mqtt.connection import Limits
from tests.factories.patience import PATIENCE

BAD_PASSWORD = 134
TRY_LATER = 136
TOPIC = "c/3/d/7/"


@pytest.mark.parametrize(
    ("username", "password"), [(7, "wrong"), (7, ""), (1000, "secret-1000"), (7, "secret-8"), (None, None), ("x", "y")]
)
async def test_bad_credentials_are_refused(connect, broker, username, password):
    device = await connect(username, password)
    assert device.connects[0] == BAD_PASSWORD
    assert broker.intake.counts["connected"] == 0


async def test_a_directory_that_is_away_is_not_a_wrong_password(connect, directory):
    directory.away = True
    device = await connect(7)
    assert device.connects == [TRY_LATER]
    directory.away = False
    await device.until(lambda: device.connects == [TRY_LATER, 0])


async def test_a_failed_login_does_not_touch_the_session_it_names(connect, sink, broker):
    device = await connect(7)
    intruder = await connect(7, "wrong")
    neighbour = await connect(8, client_id="unit")
    assert intruder.connects[0] == BAD_PASSWORD
    assert neighbour.connects == [0]
    mid = device.publish(TOPIC + "sensor", b"still here")
    await device.until(lambda: device.acknowledged == [mid])
    assert (device.disconnects, device.connects) == (0, [0])


async def test_the_same_device_and_client_id_takes_over(connect, broker):
    first = await connect(7)
    await connect(7)
    await first.until(lambda: first.disconnects == 1)


@pytest.mark.parametrize(
    "topic",
    ["c/3/d/8/sensor", "c/4/d/7/sensor", "$SYS/broker", "sensor", "c/3/d/7/down/open", "c/3/d/07/sensor", "c/3/d/7/"],
)
async def test_a_foreign_topic_is_acknowledged_counted_and_not_stored(connect, sink, broker, topic):
    device = await connect(7)
    mids = [device.publish(topic, b"x"), device.publish(TOPIC + "sensor", b"own")]
    await device.until(lambda: device.acknowledged == mids)
    assert sink.stored == [(7, "sensor", b"own")]
    assert broker.intake.counts["refused_topic"] == 1


@pytest.mark.parametrize(
    ("topic_filter", "granted"),
    [
        (TOPIC + "down/#", [1]),
        (TOPIC + "down/open", [1]),
        (TOPIC + "#", [128]),
        (TOPIC + "sensor", [128]),
        (TOPIC + "down/+/x", [128]),
        ("c/3/d/8/down/#", [128]),
        ("#", [128]),
        ("c/+/d/7/down/#", [128]),
        ("$SYS/#", [128]),
    ],
)
async def test_a_device_subscribes_to_its_own_downlink_only(connect, topic_filter, granted):
    device = await connect(7)
    device.client.subscribe(topic_filter, qos=1)
    await device.until(lambda: bool(device.granted))
    assert device.granted == [granted]


async def test_subscriptions_are_capped(connect):
    device = await connect(7)
    device.client.subscribe([(f"{TOPIC}down/{n}", 1) for n in range(20)])
    await device.until(lambda: bool(device.granted))
    assert device.granted == [[1] * 16 + [128] * 4]


async def test_nothing_is_retained(connect, sink, broker):
    device = await connect(7)
    mid = device.publish(TOPIC + "sensor", b"state", retain=True)
    await device.until(lambda: device.acknowledged == [mid])
    assert sink.stored == [(7, "sensor", b"state")]
    assert not broker.retained_messages


async def test_an_oversize_message_is_explained_and_does_not_block(connect, sink):
    device = await connect(7)
    mids = [device.publish(TOPIC + "camera_event", bytes(1024 * 1024)), device.publish(TOPIC + "sensor", b"next")]
    await device.until(lambda: device.acknowledged == mids)
    assert sink.stored == [(7, "sensor", b"next")]
    ((who, message, rejection),) = sink.rejected
    assert (who, message, rejection.reason) == (7, "camera_event", Reason.TOO_LARGE)


async def test_a_message_just_within_the_limit_is_stored(connect, sink):
    device = await connect(7)
    payload = bytes(1024 * 1024 - 2 - len(TOPIC + "camera_event") - 2)
    mid = device.publish(TOPIC + "camera_event", payload)
    await device.until(lambda: device.acknowledged == [mid])
    assert sink.stored == [(7, "camera_event", payload)]


async def test_sessions_of_a_device_are_capped(connect):
    devices = [await connect(7, client_id=f"client-{n}") for n in range(9)]
    assert [device.connects[0] for device in devices] == [0] * 8 + [133]


class TestSlowed:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(rate=20.0, burst=10.0, window=4, window_all=6)  # no machine is as slow

    async def test_a_fast_device_is_slowed_and_loses_nothing(self, connect, sink, broker):
        device = await connect(7)
        begin = asyncio.get_running_loop().time()
        for n in range(30):
            device.publish(TOPIC + "passage", b"%d" % n)
        await device.until(lambda: len(device.acknowledged) == 30)
        assert [payload for _, _, payload in sink.stored] == [b"%d" % n for n in range(30)]
        assert asyncio.get_running_loop().time() - begin >= 0.9
        assert broker.intake.counts["held"] > 0

    async def test_what_is_under_way_is_bounded_while_the_database_stalls(self, connect, sink, broker):
        sink.open.clear()
        device, other = await connect(7), await connect(8)
        for n in range(8):
            device.publish(TOPIC + "passage", b"%d" % n)
        await sink.until(lambda: len(sink.started) == 4)
        for n in range(8):
            other.publish("c/3/d/8/passage", b"%d" % n)
        await sink.until(lambda: len(sink.started) == 6)
        device.client.subscribe(TOPIC + "down/#")  # behind the held messages: not read yet
        sink.open.set()
        await asyncio.gather(*(d.until(lambda d=d: len(d.acknowledged) == 8) for d in (device, other)))
        assert len(sink.stored) == 16
        await device.until(lambda: bool(device.granted))


async def wire(broker, *parts: bytes) -> tuple[bytes, asyncio.StreamWriter]:
    """Send raw bytes on a new connection and return everything that comes back until the broker closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.listening_port)
    writer.write(b"".join(parts))
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read(), writer
    except ConnectionResetError:
        return b"", writer
    finally:
        writer.close()


def text(value: str) -> bytes:
    return len(value).to_bytes(2) + value.encode()


def connect_packet(level: int = 4, keep_alive: int = 60, flags: int = 0xC2) -> bytes:
    body = text("MQTT") + bytes((level, flags)) + keep_alive.to_bytes(2) + text("raw") + text("7") + text("secret-7")
    return bytes((0x10, len(body))) + body


ACCEPTED = b"\x20\x02\x00\x00"


@pytest.mark.parametrize(
    ("packet", "answer"),
    [
        (connect_packet(level=5), b"\x20\x02\x00\x01"),
        (connect_packet(level=3), b"\x20\x02\x00\x01"),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"\x30\x05\x00\x03a/b", b""),
        (b"\x10\xff\xff\xff\xff\x7f", b""),
        (b"\x10\xff\xff\xff\x7f" + bytes(70), b""),
        (b"\x10\x02\x00\x04", b""),
        (connect_packet() + connect_packet(), ACCEPTED),
        (connect_packet() + b"\x36\x07\x00\x03a/b\x00\x01", ACCEPTED),
        (connect_packet() + b"\x32\x07\x00\x03a/#\x00\x01", ACCEPTED),
        (connect_packet() + b"\x32\x07\x00\x03a/b\x00\x00", ACCEPTED),
        (connect_packet() + b"\x30\x05\x00\x03a\xff\xfe", ACCEPTED),
        (connect_packet() + b"\x30\x02\xff\xff", ACCEPTED),
        (connect_packet() + b"\x32\xff\xff\xff\x7f\x00\x03a/b\x00\x01", ACCEPTED),
        (connect_packet() + b"\x82\xff\xff\x7f" + bytes(10), ACCEPTED),
        (connect_packet() + b"\xf0\x00", ACCEPTED),
        (connect_packet() + b"\xe0\x00", ACCEPTED),
    ],
)
async def test_a_peer_that_breaks_the_protocol_is_closed_and_the_broker_lives(broker, sink, connect, packet, answer):
    assert (await wire(broker, packet))[0] in (answer, b"")
    device = await connect(8, client_id="after")
    mid = device.publish("c/3/d/8/sensor", b"x")
    await device.until(lambda: device.acknowledged == [mid])
    assert sink.stored == [(8, "sensor", b"x")]


async def test_version_5_is_told_to_speak_3_1_1(broker):
    assert (await wire(broker, connect_packet(level=5)))[0] == b"\x20\x02\x00\x01"


async def test_the_keep_alive_is_enforced(broker):
    begin = asyncio.get_running_loop().time()
    await wire(broker, connect_packet(keep_alive=1))
    assert asyncio.get_running_loop().time() - begin >= 1.4
    assert broker.intake.counts["timed_out"] == 1


class TestPatience:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(connect_seconds=0.2)

    async def test_a_connection_that_never_logs_in_is_closed(self, broker):
        assert (await wire(broker, b"\x10"))[0] == b""
        assert broker.intake.counts["refused_connect"] == 1


class TestIdle:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(idle_seconds=0.3)

    async def test_a_client_without_keep_alive_is_closed_when_idle(self, broker):
        await wire(broker, connect_packet(keep_alive=0))
        assert broker.intake.counts["timed_out"] == 1


async def test_connect_publish_and_disconnect_in_one_segment(broker, sink):
    publish = b"\x32" + bytes((2 + 14 + 2 + 1,)) + text(TOPIC + "sensor") + b"\x00\x01x"
    answer, _ = await wire(broker, connect_packet(), publish, b"\xe0\x00")
    await sink.until(lambda: sink.stored == [(7, "sensor", b"x")])
    assert answer.startswith(ACCEPTED)


async def test_a_credential_that_was_replaced_ends_an_open_connection(connect, directory, sink, broker):
    device = await connect(7)
    first = device.publish(TOPIC + "sensor", b"good")
    await device.until(lambda: device.acknowledged == [first])
    directory.revoked.add("7")
    broker.doubt()
    device.publish(TOPIC + "sensor", b"stale")
    await device.until(lambda: device.disconnects >= 1 and device.connects[-1] == BAD_PASSWORD)
    assert device.acknowledged == [first]
    assert sink.stored == [(7, "sensor", b"good")]


async def test_a_doubt_that_cannot_be_settled_now_loses_nothing(connect, directory, sink, broker):
    device = await connect(7)
    directory.away = True
    broker.doubt()
    mid = device.publish(TOPIC + "sensor", b"x")
    await device.until(lambda: device.acknowledged == [mid])
    assert sink.stored == [(7, "sensor", b"x")]
