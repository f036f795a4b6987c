"""Where a record stands in history, and what makes two records the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import EventKind, Observation
from domain.security.events.rows import OLDEST, digest, place_in_history, row_of
from tests.factories.vault import MemoryVault

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
VAULT = MemoryVault()
DEVICE = DeviceRef(7, 1, 2, 3, 4, None, "zhian", "gate", "g", "", "", None, "Asia/Shanghai")


def seen(kind: EventKind = EventKind.DOOR, **said: Any) -> Observation:
    return Observation(kind, said.pop("key", None), said.pop("at", None), said.pop("attributes", {}), **said)


@pytest.mark.parametrize(
    ("ago", "late", "believed"),
    [
        (timedelta(0), False, True),
        (timedelta(minutes=2), False, True),
        (timedelta(minutes=2, seconds=1), False, False),
        (-timedelta(minutes=2), False, True),
        (-timedelta(minutes=2, seconds=1), False, False),
        (timedelta(days=3), True, True),
        (OLDEST, True, True),
        (OLDEST + timedelta(seconds=1), True, False),
        (-timedelta(minutes=3), True, False),
    ],
)
def test_a_devices_time_is_believed_within_bounds(ago: timedelta, late: bool, believed: bool) -> None:
    at, suspect = place_in_history(NOW - ago, NOW, late=late)

    assert (at, suspect) == ((NOW - ago, False) if believed else (NOW, True))


def test_without_a_time_the_arrival_counts_and_no_clock_is_suspected() -> None:
    assert place_in_history(None, NOW, late=False) == (NOW, False)


def test_the_offset_of_a_time_does_not_matter() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=8)))

    assert place_in_history(there, NOW, late=False) == (NOW, False)


def test_a_key_is_the_devices_own() -> None:
    keys = {digest(compound, device, key, VAULT) for compound in (1, 2) for device in (1, 2) for key in ("a", "b")}

    assert len(keys) == 8
    assert digest(1, 1, "a", VAULT) == digest(1, 1, "a", VAULT) != digest(1, 1, "a", MemoryVault(b"1" * 32))
    assert all(len(key) == 32 for key in keys)
    assert digest(1, 1, "\ud800", VAULT) != digest(1, 1, "\ud801", VAULT)


def test_a_vendors_key_decides_whatever_else_differs() -> None:
    one = row_of(DEVICE, seen(key="k", at=NOW), NOW, VAULT)
    again = row_of(DEVICE, seen(key="k", attributes={"state": "x"}, late=True), NOW + timedelta(hours=1), VAULT)

    assert one.key == again.key


def test_without_a_key_the_content_and_the_devices_time_decide() -> None:
    same = {
        row_of(DEVICE, seen(at=NOW, attributes=said), NOW, VAULT).key for said in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    }
    other = {
        row_of(DEVICE, seen(**said), NOW, VAULT).key
        for said in (
            {"at": NOW, "attributes": {"a": 1, "b": 3}},
            {"at": NOW + timedelta(seconds=1), "attributes": {"a": 1, "b": 2}},
            {"at": NOW, "attributes": {"a": 1, "b": 2}, "source": "x"},
            {"at": NOW, "attributes": {"a": 1, "b": 2}, "subject": "x"},
        )
    }

    assert len(same) == 1
    assert len(other | same) == 5


def test_a_live_state_without_a_key_is_left_to_its_edges_and_a_late_one_to_its_content() -> None:
    live = row_of(DEVICE, seen(EventKind.SENSOR, state={"smoke": True}), NOW, VAULT)
    late = [
        row_of(DEVICE, seen(EventKind.SENSOR, state=s, late=True, at=NOW), NOW, VAULT).key for s in ({"a": 1}, {"a": 2})
    ]

    assert live.key is None
    assert None not in late
    assert late[0] != late[1]


@pytest.mark.parametrize("kind", list(EventKind))
def test_heartbeats_have_no_key_and_reads_are_folded_first(kind: EventKind) -> None:
    row = row_of(DEVICE, seen(kind, key="k"), NOW, VAULT)

    assert (row.key is None) == (kind is EventKind.HEARTBEAT)
    assert row.is_event == (kind not in (EventKind.HEARTBEAT, EventKind.TAG_READ))
