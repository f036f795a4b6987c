"""Every message the simulator makes is read by the real parsers as what it is meant to be."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cli.simulate.day import Day, pace
from cli.simulate.fleet import Fleet, bike_tags
from cli.simulate.scenarios import Name, scenario
from cli.simulate.shot import Shot, Thing, Way
from cli.simulate.writer import Writer
from domain.security.alerts.models import AlertKind
from domain.security.alerts.rules import Clear, Raise, judge
from domain.security.devices.directory import DeviceRef
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind, Observation
from integrations.devices.registry import parse_strictly

NOW = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def writer() -> Writer:
    return Writer(random.Random(7), "t", lambda: NOW)


def parsed(shot: Shot) -> list[Observation]:
    """The shot as the intake reads it; fails when a part of it is refused."""
    topic = shot.topic if shot.way is Way.MQTT else None
    content_type = "" if shot.way is Way.MQTT else shot.content_type
    records = parse_strictly(shot.thing.vendor, shot.body, content_type=content_type, topic=topic, timezone=ZONE)
    assert all(isinstance(record, Observation) for record in records), records
    return [record for record in records if isinstance(record, Observation)]


def as_meant(shot: Shot) -> list[Observation]:
    """The shot's records, of the kind and number it claims, from the hub's device it claims, a moment ago."""
    records = parsed(shot)
    assert [record.kind for record in records] == [shot.kind] * shot.records
    for record in records:
        assert not record.late
        assert record.occurred_at is None or abs(record.occurred_at - NOW) < timedelta(seconds=2)
        if shot.thing.behind:
            assert record.source == shot.thing.external_id
    return records


def findings(shots: Sequence[Shot]) -> list[Raise | Clear]:
    """What the instant rules make of the shots."""
    return [found for shot in shots for record in as_meant(shot) for found in judge(record, _ref(shot.thing))]


def _ref(thing: Thing) -> DeviceRef:
    return DeviceRef(
        thing.number, 1, 1, 1, thing.compound_id, None, thing.vendor, thing.kind, thing.name, "", thing.zone, None, ""
    )


@pytest.mark.parametrize("seed", range(5))
def test_every_message_of_a_day_is_read_as_meant(fleet: Fleet, seed: int) -> None:
    rng = random.Random(seed)
    ticks = itertools.count()
    clock = lambda: NOW + timedelta(milliseconds=next(ticks))  # noqa: E731 - a clock is a function
    day = Day(fleet, Writer(rng, "t", clock), rng, lambda _: False)

    shots = [shot for _ in range(1_000) if (shot := day.next()) is not None]

    records = [record for shot in shots for record in as_meant(shot)]
    assert len(shots) == 1_000
    keyed = [(shot.thing.number, record.key) for shot in shots for record in parsed(shot) if record.key]
    assert len(records) > 1_000
    assert max(Counter(keyed).values()) == 1  # no two messages share a key, so none is lost as a duplicate


def test_a_day_uses_every_vendor_every_way_in_and_every_kind(fleet: Fleet) -> None:
    rng = random.Random(1)
    day = Day(fleet, Writer(rng, "t", lambda: NOW), rng, lambda _: False)

    shots = [shot for _ in range(5_000) if (shot := day.next()) is not None]

    assert {shot.thing.vendor for shot in shots} == set(Vendor)
    assert {shot.way for shot in shots} == set(Way)
    assert {shot.kind for shot in shots} == set(EventKind) - {EventKind.DOOR, EventKind.DEVICE_ALARM}
    assert any(shot.content_type.startswith("multipart/") for shot in shots)
    assert any("ndjson" in shot.content_type for shot in shots)


def test_an_ordinary_day_raises_no_alarm(fleet: Fleet) -> None:
    rng = random.Random(2)
    day = Day(fleet, Writer(rng, "t", lambda: NOW), rng, lambda _: False)

    assert findings([shot for _ in range(3_000) if (shot := day.next()) is not None]) == []


def test_an_ordinary_day_sees_no_guarded_ebike(fleet: Fleet) -> None:
    rng = random.Random(3)
    day = Day(fleet, Writer(rng, "t", lambda: NOW), rng, lambda _: False)
    guarded = {tag for compound in fleet.compounds for tag in bike_tags(compound, guarded=True)}
    known = {tag for compound in fleet.compounds for tag in bike_tags(compound, guarded=False)}

    shots = [shot for _ in range(3_000) if (shot := day.next()) is not None and shot.kind is EventKind.TAG_READ]
    seen = {record.subject for shot in shots for record in parsed(shot)}

    assert len(guarded) == len(known) == 18
    assert seen & guarded == set()
    assert known <= seen


def test_silent_devices_say_nothing(fleet: Fleet) -> None:
    rng = random.Random(4)
    day = Day(fleet, Writer(rng, "t", lambda: NOW), rng, lambda thing: thing.vendor is not Vendor.ZEBRA)

    shots = [day.next() for _ in range(2_000)]

    assert {shot.thing.vendor for shot in shots if shot is not None} == {Vendor.ZEBRA}


def test_the_pace_follows_the_hours_and_keeps_its_mean() -> None:
    steps = [pace(step / 2400) for step in range(2400)]

    assert sum(steps) / len(steps) == pytest.approx(1)
    assert pace(8.5 / 24) == max(steps)
    assert pace(3 / 24) == min(steps)
    assert pace(1.0) == pace(23.5 / 24)


EXPECTED = {
    Name.DAY: ({}, {}),
    Name.FIRE: (
        {AlertKind.SMOKE: 6, AlertKind.FIRE: 2},
        {AlertKind.SMOKE: 6, AlertKind.FIRE: 1},
    ),
    Name.THEFT: ({}, {}),  # guard mode looks at sightings, not at one record
    Name.FLOOD: (
        {AlertKind.WATER_LEAK: 7},
        {AlertKind.WATER_LEAK: 7, AlertKind.TAMPER: 2},  # the zone status of one says "not tampered with" too
    ),
    Name.OUTAGE: ({}, {}),
    Name.THROWN: ({AlertKind.THROWN_OBJECT: 3, AlertKind.FIRE_LANE_BLOCKED: 1}, {AlertKind.FIRE_LANE_BLOCKED: 1}),
}


@pytest.mark.parametrize("name", Name)
def test_a_scenario_raises_and_clears_what_it_is_about(fleet: Fleet, writer: Writer, name: Name) -> None:
    incidents = scenario(name, fleet).incidents

    found = findings([incident.make(writer) for incident in incidents])

    raised, cleared = EXPECTED[name]
    assert Counter(f.kind for f in found if isinstance(f, Raise)) == raised
    assert Counter(f.kind for f in found if isinstance(f, Clear)) == cleared
    assert [incident.at for incident in incidents] == sorted(incident.at for incident in incidents)
    assert all(0 <= incident.at < 1 for incident in incidents)


def test_a_theft_moves_a_guarded_ebike_inside_and_then_through_the_gate(fleet: Fleet, writer: Writer) -> None:
    incidents = scenario(Name.THEFT, fleet).incidents
    shots = [incident.make(writer) for incident in incidents]

    tags = {record.subject for shot in shots for record in as_meant(shot)}

    assert len(tags) == 1
    assert tags <= set(bike_tags(fleet.compounds[0], guarded=True))
    zones = [shot.thing.zone for shot in shots]
    assert zones == ["bike_shed", "charging", "gate", "gate", "gate"]


def test_an_outage_tells_of_sensors_then_silences_one_compound_for_a_while(fleet: Fleet, writer: Writer) -> None:
    found = scenario(Name.OUTAGE, fleet)
    here, elsewhere = fleet.things[0], fleet.within(fleet.compounds[1]).things[0]

    offline = [as_meant(incident.make(writer))[0] for incident in found.incidents if incident.at < 0.25]

    assert len(offline) == 17
    assert all(record.attributes["alarm"] == "offline" for record in offline)
    assert [found.silent(here, progress) for progress in (0.1, 0.25, 0.79, 0.8)] == [False, True, True, False]
    assert not any(found.silent(elsewhere, progress / 10) for progress in range(10))


@pytest.mark.parametrize("vendor", [Vendor.HIKVISION, Vendor.ZHIAN])
@pytest.mark.parametrize(
    ("say", "attributes"),
    [
        (lambda w, t: w.passage(t, "R-1"), {"decision": "granted"}),
        (lambda w, t: w.passage(t, "", refused=True), {"decision": "refused", "reason": "unknown_person"}),
        (lambda w, t: w.door(t, held_open=True), {"state": "held_open"}),
        (lambda w, t: w.door(t, held_open=False), {"state": "closed"}),
    ],
)
def test_gates_of_both_kinds_say_the_same(
    fleet: Fleet,
    writer: Writer,
    vendor: Vendor,
    say: Callable[[Writer, Thing], Shot],
    attributes: dict[str, object],
) -> None:
    gate = fleet.of(DeviceKind.GATE, vendor)[0]

    for _ in range(20):  # with and without a picture
        record = as_meant(say(writer, gate))[0]
        assert attributes.items() <= record.attributes.items()
        assert record.previous_serial is not None
        assert record.serial == record.previous_serial + 1


def test_every_device_can_show_that_it_lives(fleet: Fleet, writer: Writer) -> None:
    speaking = [thing for thing in fleet.things if not (thing.behind and thing.vendor is Vendor.TASMOTA)]

    for thing in speaking:
        as_meant(writer.heartbeat(thing))

    assert len(speaking) == len(fleet.things) - 1  # a Tasmota bridge speaks for itself, its sensor has no sign of life
