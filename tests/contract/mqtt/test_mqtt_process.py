"""The MQTT process as it is run: a real device's message through a real database, and how the process ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.service import NewDevice, register_device
from tests.contract.mqtt import outside
from tests.contract.mqtt.conftest import Device
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.patience import PATIENCE
from tests.factories.ports import free_port

__all__ = ["clock", "clocked", "news", "vault", "world"]


@pytest.fixture
async def gateway(world):
    """A hub with a smoke sensor behind it: (compound, device id, credential)."""
    compound = world.areas["a111"]
    async with world.database.unit_of_work(world.everywhere) as uow:
        hub = await register_device(
            uow, vault=world.vault, new=NewDevice(compound, DeviceKind.GATEWAY, Vendor.ZIGBEE2MQTT, "hub")
        )
        sensor = NewDevice(
            compound, DeviceKind.SMOKE, Vendor.ZIGBEE2MQTT, "smoke", gateway_id=hub.device_id, external_id="Kitchen"
        )
        await register_device(uow, vault=world.vault, new=sensor)
    return compound, hub.device_id, hub.secret.credential


@pytest.fixture
def process(database_url, tmp_path):
    @asynccontextmanager
    async def run(**settings: str):
        environment = {
            "PATH": os.environ["PATH"],
            "ZHIAN_DATABASE_URL": database_url,
            "ZHIAN_DATA_DIR": str(tmp_path),
            **settings,
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "integrations.devices.mqtt.main", env=environment, stderr=asyncio.subprocess.PIPE
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                child.kill()
            await child.communicate()

    return run


async def said(child, event: str) -> dict[str, object]:
    async with asyncio.timeout(PATIENCE):
        while line := await child.stderr.readline():
            if line.startswith(b'{"') and (record := json.loads(line)).get("event") == event:
                return record
    raise AssertionError(f"the process ended without saying {event}")


@asynccontextmanager
async def connected(port: int, username: str, password: str):
    client = Client(CallbackAPIVersion.VERSION2, client_id="hub", clean_session=False)
    client.username_pw_set(username, password)
    client.reconnect_delay_set(1, 1)
    device = Device(client, asyncio.get_running_loop())
    device.listen()
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    try:
        await device.until(lambda: bool(device.connects))
        yield device
    finally:
        await device.stop()


async def test_what_is_acknowledged_is_in_the_database(process, gateway, superuser):
    compound, device_id, credential = gateway
    port = free_port()
    topic = f"c/{compound}/d/{device_id}/zigbee2mqtt/Kitchen"
    async with process(ZHIAN_MQTT_PORT=str(port)) as child:
        await said(child, "mqtt.listening")
        async with connected(port, str(device_id), credential) as device:
            for payload in (b'{"smoke":false}', b'{"smoke":true}', b'{"smoke":true}', b"{not json"):
                device.publish(topic, payload)
            await device.until(lambda: len(device.acknowledged) == 4)
            tally = await superuser.fetchrow(
                "select sum(received) received, sum(stored) stored, sum(duplicate) duplicate,"
                " sum(quarantined) quarantined from ingest_tally where channel = 'mqtt'"
            )
            assert tally["received"] == 4
            assert tally["stored"] + tally["duplicate"] + tally["quarantined"] == 4
            assert tally["quarantined"] == 1
            assert await superuser.fetchval("select count(*) from event where kind = 'sensor'") == tally["stored"]
        async with connected(port, str(device_id), "zd_wrong") as stranger:
            assert stranger.connects[0] == 134
        child.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.wait(), PATIENCE) == 0


async def test_messages_of_an_outside_broker_reach_the_database(process, gateway, superuser, tmp_path):
    compound, device_id, _ = gateway
    broker = outside.OutsideBroker("rumqttd", tmp_path)
    await broker.start()
    try:
        async with process(ZHIAN_MQTT_URL=f"mqtt://127.0.0.1:{broker.port}") as child:
            await said(child, "mqtt.subscribed")
            async with connected(broker.device_port, "any", "any") as device:
                device.publish(f"c/{compound}/d/{device_id}/zigbee2mqtt/Kitchen", b'{"smoke":true}')
                await device.until(lambda: len(device.acknowledged) == 1)
            async with asyncio.timeout(PATIENCE):
                while not await superuser.fetchval("select count(*) from event"):  # noqa: ASYNC110  # another process writes
                    await asyncio.sleep(0.02)
            child.send_signal(signal.SIGTERM)
            ended = await said(child, "mqtt.ended")
            assert await asyncio.wait_for(child.wait(), PATIENCE) == 0
        assert ended["stored"] == 1
    finally:
        await broker.stop()


async def test_the_process_ends_with_an_error_when_it_cannot_work(process):
    async with process(ZHIAN_MQTT_URL=f"mqtt://127.0.0.1:{free_port()}") as child:
        _, printed = await asyncio.wait_for(child.communicate(), PATIENCE)
    assert child.returncode == 1
    assert b"Connect call failed" in printed or b"refused" in printed
