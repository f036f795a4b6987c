"""Hundreds of subscribers of the API process stop reading: bounded memory, one code, all of it for the healthy one."""

from __future__ import annotations

from cli.bench.alert import operator_token
from cli.bench.stage import stage
from cli.bench.stalled import FILL, MEMORY_GOAL, PER_SECOND, Scene, api_process, stalled

COUNT = 200


async def test_a_stalled_crowd_is_let_go_and_costs_bounded_memory() -> None:
    async with stage(devices=1) as built:
        token = await operator_token(built)
        async with built.process("api.main", port=built.port):
            scene = Scene(built, token, api_process())
            await scene.join()

            stall = await stalled(scene, COUNT, 1)

            assert await scene.subscribers() == 1
            assert len(scene.heard) == FILL + PER_SECOND
            await scene.latencies(1)
    assert len(stall.codes) == COUNT
    assert set(stall.codes) <= {1013, None}  # None: it did not read again in time
    assert stall.kibibytes < MEMORY_GOAL
