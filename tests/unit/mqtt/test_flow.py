"""Holding back: rates in whole units, windows first come first served, nothing lost on a cancelled wait."""

from __future__ import annotations

import asyncio

import pytest

from integrations.devices.mqtt.flow import TokenBucket, Window, weight


@pytest.mark.parametrize(("size", "units"), [(0, 1), (16383, 1), (16384, 2), (1024 * 1024, 65)])
def test_a_large_message_weighs_more(size, units):
    assert weight(size) == units


def test_a_bucket_lets_a_burst_through_and_then_the_rate():
    now = [0.0]
    bucket = TokenBucket(10.0, 3.0, lambda: now[0])
    assert [bucket.take(1) for _ in range(5)] == pytest.approx([0, 0, 0, 0.1, 0.2])
    now[0] = 0.2
    assert bucket.take(1) == pytest.approx(0.1)
    now[0] = 60.0
    assert [bucket.take(1) for _ in range(4)] == pytest.approx([0, 0, 0, 0.1])


async def test_a_window_is_first_come_first_served():
    window, order = Window(3), []

    async def use(name: str, units: int) -> None:
        await window.take(units)
        order.append(name)

    assert window.try_take(2)
    tasks = [asyncio.create_task(use("large", 3)), asyncio.create_task(use("small", 1))]
    await asyncio.sleep(0)
    assert order == []
    assert not window.try_take(1)
    window.give(2)
    await tasks[0]
    assert order == ["large"]
    window.give(3)
    await tasks[1]
    assert order == ["large", "small"]


async def test_a_cancelled_wait_gives_its_place_back():
    window = Window(1)
    assert window.try_take(1)
    waiting = asyncio.create_task(window.take(1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    window.give(1)
    assert window.try_take(1)


async def test_a_wait_cancelled_just_when_served_gives_its_units_back():
    window = Window(1)
    assert window.try_take(1)
    waiting = asyncio.create_task(window.take(1))
    await asyncio.sleep(0)
    window.give(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert window.try_take(1)


async def test_more_than_the_window_counts_as_the_whole_window():
    window = Window(4)
    await window.take(65)
    assert not window.try_take(1)
    window.give(65)
    assert window.try_take(4)
