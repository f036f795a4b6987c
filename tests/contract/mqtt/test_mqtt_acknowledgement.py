"""A device's message is acknowledged when it is stored, and not before."""

from __future__ import annotations

import asyncio

TOPIC = "c/3/d/7/"


async def test_puback_waits_for_the_commit(connect, sink):
    sink.open.clear()
    device = await connect(7)
    mid = device.publish(TOPIC + "sensor", b"smoke")
    await sink.until(lambda: len(sink.started) == 1)
    granted = asyncio.Event()
    device.client.subscribe(TOPIC + "down/#", qos=1)  # its answer overtakes: the line is alive, the PUBACK is held
    await device.until(lambda: bool(device.granted))
    assert device.acknowledged == []
    assert not granted.is_set()
    sink.open.set()
    await device.until(lambda: device.acknowledged == [mid])
    assert sink.stored == [(7, "sensor", b"smoke")]


async def test_no_puback_on_failure_and_redelivery_after_reconnect(connect, sink, broker):
    sink.failing.add(b"smoke")
    device = await connect(7)
    mid = device.publish(TOPIC + "sensor", b"smoke")
    await device.until(lambda: device.disconnects == 1)
    assert device.acknowledged == []
    assert sink.stored == []
    sink.failing.clear()
    await device.until(lambda: device.acknowledged == [mid])
    assert sink.stored == [(7, "sensor", b"smoke")]
    assert len(sink.started) >= 2
    assert broker.intake.counts["failed"] == len(sink.started) - 1


async def test_a_failed_message_does_not_take_the_others_acknowledgement(connect, sink):
    sink.failing.add(b"2")
    device = await connect(7)
    mids = [device.publish(TOPIC + "sensor", b"%d" % n) for n in range(4)]
    await device.until(lambda: device.disconnects >= 1)
    sink.failing.clear()
    await device.until(lambda: sorted(device.acknowledged) == mids)
    assert {payload for _, _, payload in sink.stored} == {b"0", b"1", b"2", b"3"}


async def test_order_is_kept_while_messages_share_a_commit(connect, sink):
    sink.open.clear()
    device = await connect(7)
    mids = [device.publish(TOPIC + "passage", b"%d" % n) for n in range(200)]
    await sink.until(lambda: len(sink.started) == 200)
    assert [payload for _, _, payload in sink.started] == [b"%d" % n for n in range(200)]
    assert device.acknowledged == []
    sink.open.set()
    await device.until(lambda: len(device.acknowledged) == 200)
    assert device.acknowledged == mids


async def test_qos_0_is_stored_even_when_the_device_leaves_at_once(connect, sink):
    sink.open.clear()
    device = await connect(7)
    device.publish(TOPIC + "heartbeat", b"alive", qos=0)
    await sink.until(lambda: len(sink.started) == 1)
    await device.stop()
    sink.open.set()
    await sink.until(lambda: sink.stored == [(7, "heartbeat", b"alive")])


async def test_qos_2_is_stored_once_and_completed(connect, sink):
    sink.open.clear()
    device = await connect(7)
    mid = device.publish(TOPIC + "sensor", b"gas", qos=2)
    await sink.until(lambda: len(sink.started) == 1)
    assert device.acknowledged == []
    sink.open.set()
    await device.until(lambda: device.acknowledged == [mid])
    assert sink.stored == [(7, "sensor", b"gas")]


async def test_the_last_will_is_stored_when_a_device_drops_off_and_not_when_it_leaves(connect, sink, broker):
    leaving = await connect(8, client_id="leaving", will=("c/3/d/8/heartbeat", b"gone"))
    dropping = await connect(7, will=(TOPIC + "heartbeat", b"gone"))
    await leaving.stop()
    await broker.disconnect(7)
    await dropping.until(lambda: dropping.disconnects == 1)
    await sink.until(lambda: len(sink.stored) == 1)
    assert sink.stored == [(7, "heartbeat", b"gone")]


async def test_close_lets_what_is_under_way_finish(connect, sink, broker):
    sink.open.clear()
    device = await connect(7)
    device.publish(TOPIC + "sensor", b"smoke")
    await sink.until(lambda: len(sink.started) == 1)
    closing = asyncio.create_task(broker.intake.drain(10))
    sink.open.set()
    await closing
    assert sink.stored == [(7, "sensor", b"smoke")]


async def test_200_clients_at_once(connect, sink, broker):
    devices = await asyncio.gather(*(connect(n, client_id="same") for n in range(1, 201)))
    for n, device in enumerate(devices, start=1):
        for i in range(5):
            device.publish(f"c/3/d/{n}/passage", b"%d" % i)
    await asyncio.gather(*(device.until(lambda d=device: len(d.acknowledged) == 5) for device in devices))
    assert len(sink.stored) == 1000
    for n in range(1, 201):
        assert [payload for who, _, payload in sink.stored if who == n] == [b"0", b"1", b"2", b"3", b"4"]
    assert broker.intake.counts["stored"] == broker.intake.counts["received"] == 1000
