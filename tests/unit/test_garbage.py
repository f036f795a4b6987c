"""Full collections come by our own rule while a server serves, and by the interpreter's before and after."""

from __future__ import annotations

import asyncio
import gc

import pytest

from integrations.garbage import NEVER, SWEEP_SECONDS, due, swept
from tests.factories.patience import PATIENCE


@pytest.mark.parametrize(
    ("blocks", "after_last", "seconds", "is_due"),
    [
        (100, 100, 10.0, False),
        (199, 100, 10.0, False),
        (200, 100, 10.0, True),
        (50, 100, SWEEP_SECONDS - 1, False),
        (50, 100, SWEEP_SECONDS, True),
    ],
)
def test_a_sweep_is_due(blocks: int, after_last: int, seconds: float, is_due: bool) -> None:
    assert due(blocks, after_last, seconds) is is_due


async def test_full_collections_wait_while_the_server_serves() -> None:
    before = gc.get_threshold()
    async with swept():
        assert gc.get_threshold() == (*before[:2], NEVER)
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before


async def test_a_sweep_finds_what_hangs_together(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr("integrations.garbage.LOOK_SECONDS", 0.0)
    monkeypatch.setattr("integrations.garbage.SWEEP_SECONDS", 0.0)
    collected = asyncio.Event()

    def said(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            found.append(phase)
            collected.set()

    async with swept():
        gc.callbacks.append(said)
        try:
            async with asyncio.timeout(PATIENCE):
                await collected.wait()
        finally:
            gc.callbacks.remove(said)
    assert found
