"""The client of an outside broker, against real brokers: acknowledged when stored, and not before."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from integrations.devices.mqtt.bridge import Bridge, BrokerAddress, BrokerRefused, Patience
from tests.contract.mqtt import outside
from tests.contract.mqtt.conftest import Device
from tests.factories.patience import PATIENCE
from tests.factories.ports import free_port

QUICK = Patience(connect=5.0, settle=0.5, first_retry=0.05, longest_retry=0.2)


@pytest.fixture(params=outside.names())
async def peer(request, tmp_path):
    peer = outside.OutsideBroker(request.param, tmp_path)
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
async def device(peer):
    client = Client(CallbackAPIVersion.VERSION2, client_id="device", clean_session=False)
    client.max_inflight_messages_set(0)
    client.reconnect_delay_set(1, 1)
    device = Device(client, asyncio.get_running_loop())
    device.listen()
    client.connect_async("127.0.0.1", peer.device_port)
    client.loop_start()
    await device.until(lambda: device.connects == [0])
    yield device
    await device.stop()


@pytest.fixture
def running(peer, directory, sink):
    @asynccontextmanager
    async def run(query: str = ""):
        address = BrokerAddress.read(f"mqtt://127.0.0.1:{peer.port}/{query}")
        bridge = Bridge(address, directory=directory, sink=sink, patience=QUICK)
        task = asyncio.create_task(bridge.run())
        subscribed = asyncio.create_task(bridge.subscribed.wait())
        await asyncio.wait({task, subscribed}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), task.exception()
        try:
            yield bridge
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return run


def payloads(messages):
    return [payload for _, _, payload in messages]


async def test_what_is_stored_is_acknowledged_and_does_not_come_again(running, device, sink):
    async with running():
        device.publish("c/3/d/7/sensor", b"smoke")
        await sink.until(lambda: sink.stored == [(7, "sensor", b"smoke")])
    for n in range(10):  # time for the broker to read our last words: who comes again at once, cuts himself off
        device.publish("probe", b"x")
        await device.until(lambda n=n: len(device.acknowledged) == n + 2)
    async with running():
        device.publish("c/3/d/7/sensor", b"next")
        await sink.until(lambda: payloads(sink.stored) == [b"smoke", b"next"])
    assert payloads(sink.started) == [b"smoke", b"next"]


async def test_what_is_not_stored_is_not_acknowledged(running, device, sink):
    """The proof: taken, never committed, the process ends: the broker gives it again."""
    sink.open.clear()
    async with running():
        device.publish("c/3/d/7/sensor", b"smoke")
        await sink.until(lambda: payloads(sink.started) == [b"smoke"])
        sink.die()
    assert sink.stored == []
    sink.open.set()
    async with running():
        await sink.until(lambda: payloads(sink.stored) == [b"smoke"])
    assert payloads(sink.started) == [b"smoke", b"smoke"]


async def test_a_failure_brings_the_message_again(running, device, sink):
    sink.failing.add(b"2")
    async with running() as bridge:
        for n in range(4):
            device.publish("c/3/d/7/sensor", b"%d" % n)
        await sink.until(lambda: payloads(sink.started).count(b"2") >= 2)
        sink.failing.clear()
        await sink.until(lambda: set(payloads(sink.stored)) == {b"0", b"1", b"2", b"3"})
        assert bridge.counts["failed"] >= 1


async def test_what_came_behind_a_failed_message_is_stored_behind_it(running, device, sink):
    sink.open.clear()
    sink.failing.add(b"0")
    async with running() as bridge:
        for n in range(4):
            device.publish("c/3/d/7/sensor", b"%d" % n)
        await sink.until(lambda: len(sink.started) == 4)
        sink.open.set()
        await sink.until(lambda: payloads(sink.started).count(b"0") >= 2)
        assert sink.stored == []

        sink.failing.clear()

        await sink.until(lambda: len(sink.stored) == 4)
        assert payloads(sink.stored) == [b"0", b"1", b"2", b"3"]
        assert bridge.counts["failed"] >= 1


async def test_messages_wait_while_we_are_away(running, device, sink):
    async with running():
        pass
    mids = [device.publish("c/3/d/7/sensor", b"%d" % n) for n in range(20)]
    await device.until(lambda: len(device.acknowledged) == len(mids))
    async with running():
        await sink.until(lambda: payloads(sink.stored) == [b"%d" % n for n in range(20)])


async def test_what_can_never_be_taken_does_not_block(running, device, sink):
    async with running() as bridge:
        for topic in ("c/3/d/4711/sensor", "c/4/d/7/sensor", "c/x/d/7/sensor", "c/3/d/7/down/open", "c/3/d/7/sensor"):
            device.publish(topic, b"x")
        await sink.until(lambda: len(sink.stored) == 1)
        assert sink.stored == [(7, "sensor", b"x")]
        assert (bridge.counts["refused_device"], bridge.counts["refused_topic"]) == (2, 1)


async def test_a_directory_that_is_away_loses_nothing(running, device, directory, sink):
    directory.away = True
    async with running() as bridge:
        device.publish("c/3/d/7/sensor", b"x")
        await device.until(lambda: len(device.acknowledged) == 1)
        while not bridge.counts["failed"]:
            await bridge.subscribed.wait()
            await asyncio.sleep(0.01)
        directory.away = False
        await sink.until(lambda: payloads(sink.stored) == [b"x"])


async def test_the_order_of_a_device_is_kept(running, device, sink):
    async with running():
        for n in range(300):
            device.publish("c/3/d/7/passage", b"%d" % n)
        await sink.until(lambda: len(sink.stored) == 300)
    assert payloads(sink.started) == [b"%d" % n for n in range(300)]


async def test_a_broker_that_restarts_is_found_again(running, peer, device, sink):
    async with running() as bridge:
        await peer.stop()
        while bridge.subscribed.is_set():  # noqa: ASYNC110  # the event tells the other edge only
            await asyncio.sleep(0.01)
        await peer.start()
        async with asyncio.timeout(PATIENCE):
            await bridge.subscribed.wait()
        await device.until(lambda: len(device.connects) >= 2)
        device.publish("c/3/d/7/sensor", b"after")
        await sink.until(lambda: b"after" in payloads(sink.stored))


async def test_a_shared_subscription_takes_each_message_once(running, device, sink):
    async with running("?client_id=one&share=ingest"), running("?client_id=two&share=ingest"):
        for n in range(50):
            device.publish(f"c/3/d/{n + 1}/passage", b"%d" % n)
        await sink.until(lambda: len(sink.stored) >= 50)
    assert sorted(map(int, payloads(sink.stored))) == list(range(50))


async def test_a_broker_without_mqtt_5_is_refused_at_start_up(broker, directory, sink):
    address = BrokerAddress.read(f"mqtt://7:secret-7@127.0.0.1:{broker.listening_port}")
    bridge = Bridge(address, directory=directory, sink=sink, patience=QUICK)
    with pytest.raises(BrokerRefused, match="MQTT 5"):
        await asyncio.wait_for(bridge.run(), PATIENCE)


async def test_no_broker_at_the_start_is_an_error(directory, sink):
    address = BrokerAddress.read(f"mqtt://127.0.0.1:{free_port()}")
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.wait_for(Bridge(address, directory=directory, sink=sink, patience=QUICK).run(), PATIENCE)
