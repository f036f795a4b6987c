"""Everything breaks under load; nothing acknowledged is lost, nothing is doubled, everybody is told once, in order.

``--fault-seconds`` and ``--fault-seed`` make a longer run, or another: an hour has a fault every six seconds.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.harness.faults import FAULTS, FIRST, deck
from tests.faults.harness.run import Run, perform

LOG = logging.getLogger(__name__)
pytestmark = [pytest.mark.fault, pytest.mark.timeout(0)]  # an hour by option; every wait in it has its own end
SECONDS_PER_FAULT = 3.2
LONG_SECONDS_PER_FAULT = 6.0
LONGEST_SILENCE = 120.0  # a slow machine begins a process in half a minute, and some are killed twice


async def test_nothing_is_lost_doubled_or_missed_whatever_breaks(
    open_folder: Path,
    fault_seconds: float,
    fault_seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    pace = SECONDS_PER_FAULT if fault_seconds < 60 else LONG_SECONDS_PER_FAULT
    least = int(12 * fault_seconds)  # a slow machine takes longer, and says no less
    run = Run(seed=fault_seed, seconds=fault_seconds, faults=int(fault_seconds / pace), messages=least)

    report = await perform(run, open_folder)

    record_property("report", str(report))
    LOG.info("seed %d, %.0f s: %s\n%s", fault_seed, fault_seconds, report, report.faults)
    assert report.problems == {}
    assert report.silence < LONGEST_SILENCE
    assert len(report.faults) >= 8
    assert report.records > 10 * fault_seconds
    assert report.alerts > fault_seconds / 4
    assert report.notifications > report.alerts
    assert report.duplicate > 0
    assert report.quarantined > 0
    assert report.attempts > report.sent
    assert report.joined > 8


@pytest.mark.parametrize("seed", range(20))
def test_fifty_faults_hold_every_kind_and_ten_the_first(seed: int) -> None:
    assert set(islice(deck(random.Random(seed)), 50)) == set(FAULTS)
    assert set(islice(deck(random.Random(seed)), 10)) >= set(FIRST)
