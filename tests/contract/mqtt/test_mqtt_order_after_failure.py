"""A message that could not be stored is not overtaken by those behind it."""

from __future__ import annotations

TOPIC = "c/3/d/7/"
SAID = [b"0", b"1", b"2", b"3"]


async def test_what_came_behind_a_failed_message_is_stored_behind_it(connect, sink):
    sink.open.clear()
    sink.failing.add(b"0")
    device = await connect(7)
    mids = [device.publish(TOPIC + "sensor", payload) for payload in SAID]
    await sink.until(lambda: len(sink.started) == len(SAID))
    sink.open.set()
    await device.until(lambda: device.disconnects == 1)
    assert sink.stored == []

    sink.failing.clear()

    await device.until(lambda: device.acknowledged == mids)
    assert [payload for _, _, payload in sink.stored] == SAID
