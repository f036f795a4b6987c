"""Messages of one hub are recorded in the order they came, however long its look-ups take."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace

from integrations.devices.intake import DeviceIntake


async def test_a_slow_look_up_does_not_let_a_later_message_pass():
    first_look_up, recorded, asked = asyncio.Event(), [], []

    async def behind(_gateway, name):
        asked.append(name)
        if len(asked) == 1:
            await first_look_up.wait()

    async def record(_device, message, **_):
        recorded.append(message.body)
        return SimpleNamespace(rows=())

    hub = SimpleNamespace(id=7, compound_id=3, kind="gateway", vendor="zigbee2mqtt", timezone="Asia/Shanghai")
    intake = DeviceIntake(
        SimpleNamespace(record=record), SimpleNamespace(behind=behind), None, pictures_kept=timedelta(days=1)
    )
    bodies = [b'{"smoke":true}', b'{"smoke":false}']
    tasks = [asyncio.create_task(intake.handle(hub, "zigbee2mqtt/Kitchen", body)) for body in bodies]
    for _ in range(20):
        await asyncio.sleep(0)
    assert recorded == []
    first_look_up.set()
    await asyncio.gather(*tasks)
    assert recorded == bodies
