"""Guard mode: when a sighting of an e-bike is an alert, and how bad."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.security.ebikes.rules import TaggedBike, moved
from tests.unit.security.made import device

SINCE = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("guarded", "zone", "compound", "expected"),
    [
        (False, "gate", 4, None),
        (True, "corridor", 4, ("major", ("home", "staff"))),
        (True, "", 4, ("major", ("home", "staff"))),
        (True, "gate", 4, ("critical", ("home", "staff", "police"))),
        (True, "corridor", 5, ("critical", ("home", "staff", "police"))),
    ],
)
@pytest.mark.parametrize("phase", ["enter", "leave"])
def test_a_guarded_ebike_that_moves_or_leaves(
    guarded: bool, zone: str, compound: int, expected: tuple[str, tuple[str, ...]] | None, phase: str
) -> None:
    bike = TaggedBike(7, 11, 4, SINCE if guarded else None)
    finding = moved(bike, device(zone=zone, compound_id=compound), phase)
    if expected is None:
        assert finding is None
        return
    assert finding is not None
    assert (str(finding.severity), finding.audience) == expected
    assert (finding.source, finding.home_id, finding.because["phase"]) == ("ebike:7", 11, phase)
