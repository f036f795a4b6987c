"""The harness bites: builds with one promise broken are found out, each by the check that is there for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness.run import Run, perform

pytestmark = pytest.mark.fault


async def test_acknowledging_before_the_commit_loses_records(open_folder: Path) -> None:
    faults = ("kill while stalled", "kill postgres")
    report = await perform(Run(seconds=8, faults=2, only=faults, build="acknowledge_first"), open_folder)

    assert report.lost
    assert report.doubled == report.invented == []


async def test_a_cursor_by_id_leaves_gaps(open_folder: Path) -> None:
    late = (("mqtt", 0.1), ("api", 0.003))  # ids are taken long before their transaction ends
    run = Run(seconds=8, faults=1, only=("flush valkey",), messages=500, latency=late, build="id_cursor")

    report = await perform(run, open_folder)

    assert report.lost == report.unraised == report.undelivered == []
    assert report.gaps


async def test_asynchronous_commit_loses_what_it_committed(open_folder: Path) -> None:
    report = await perform(Run(seconds=8, faults=2, only=("kill postgres",), build="asynchronous_commit"), open_folder)

    assert report.lost
