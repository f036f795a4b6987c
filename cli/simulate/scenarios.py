"""What happens beside the ordinary day: incidents at their moments, and devices that fall silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from cli.simulate.fleet import Fleet, bike_tags
from cli.simulate.shot import Shot, Thing
from cli.simulate.writer import Writer
from domain.security.devices.models import DeviceKind, Vendor

Silent = Callable[[Thing, float], bool]


class Name(StrEnum):
    """The scenarios."""

    DAY = "day"
    FIRE = "fire"
    THEFT = "theft"
    FLOOD = "flood"
    OUTAGE = "outage"
    THROWN = "thrown"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happens at ``at`` (0 to 1 of the run), said by ``make`` when its moment has come."""

    at: float
    words: str
    make: Callable[[Writer], Shot]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Incidents in their order, and which devices are silent when."""

    incidents: tuple[Incident, ...] = ()
    silent: Silent = field(default=lambda _thing, _progress: False)


def scenario(name: Name, fleet: Fleet) -> Scenario:
    """The scenario ``name`` in the fleet's first compound."""
    here = fleet.within(fleet.compounds[0])
    if name is Name.OUTAGE:
        return _outage(here)
    told: dict[Name, Callable[[Fleet], list[Incident]]] = {
        Name.FIRE: _fire,
        Name.THEFT: _theft,
        Name.FLOOD: _flood,
        Name.THROWN: _thrown,
    }
    incidents = told[name](here) if name in told else []
    return Scenario(tuple(sorted(incidents, key=lambda incident: incident.at)))


def _switch(at: float, thing: Thing, name: str, value: bool) -> Incident:
    return Incident(at, f"{thing.label}: {name}={value}", lambda writer: writer.sensor(thing, {name: value}))


def _camera(at: float, thing: Thing, what: str, *, active: bool = True) -> Incident:
    words = f"{thing.label}: {what}{'' if active else ' ends'}"
    return Incident(at, words, lambda writer: writer.camera(thing, what, active=active))


def _said(at: float, thing: Thing, words: str, make: Callable[[Writer, Thing], Shot]) -> Incident:
    return Incident(at, f"{thing.label}: {words}", lambda writer: make(writer, thing))


def _fire(here: Fleet) -> list[Incident]:
    """Smoke in a corridor, then in the homes around it, then a camera and the gates see fire; all clear at the end."""
    smoke = here.of(DeviceKind.SMOKE, Vendor.ZHIAN, Vendor.ZIGBEE2MQTT)
    corridor = [t for t in smoke if t.zone == "corridor"][:1]
    homes = [t for t in smoke if t.zone == "home"][:5]
    lane = [t for t in here.cameras if t.zone == "fire_lane"]
    gates = here.of(DeviceKind.GATE, Vendor.HIKVISION)[:1]
    return [
        *(_switch(0.1, thing, "smoke", True) for thing in corridor),
        *(_switch(0.2 + 0.05 * n, thing, "smoke", True) for n, thing in enumerate(homes)),
        *(_camera(0.45, thing, "fire") for thing in lane),
        *(_said(0.5, gate, "fire input", Writer.fire_input) for gate in gates),
        *(_camera(0.85, thing, "fire", active=False) for thing in lane),
        *(_switch(0.9, thing, "smoke", False) for thing in (*corridor, *homes)),
    ]


def _theft(here: Fleet) -> list[Incident]:
    """A guarded e-bike is moved at the shed, then leaves by the gate."""
    tag = bike_tags(here.compounds[0], guarded=True)[0]
    inside = [t for t in here.tag_readers if t.zone != "gate"]
    edge = [t for t in here.tag_readers if t.zone == "gate"]

    def seen(at: float, reader: Thing) -> Incident:
        return Incident(at, f"{reader.label}: guarded e-bike", lambda writer: writer.tags(reader, [tag]))

    return [
        *(seen(0.15 + 0.1 * n, reader) for n, reader in enumerate(inside)),
        *(seen(0.5 + 0.05 * n, reader) for n, reader in enumerate(edge * 3)),
    ]


def _flood(here: Fleet) -> list[Incident]:
    """Water comes through from home to home, and stops."""
    wet = here.of(DeviceKind.WATER_LEAK)
    return [
        *(_switch(0.1 + 0.6 * n / len(wet), thing, "water_leak", True) for n, thing in enumerate(wet)),
        *(_switch(0.85 + 0.1 * n / len(wet), thing, "water_leak", False) for n, thing in enumerate(wet)),
    ]


def _thrown(here: Fleet) -> list[Incident]:
    """Things fly from a facade, then a car stands in the fire lane for a while."""
    facade = [t for t in here.cameras if t.zone == "facade"]
    lane = [t for t in here.cameras if t.zone == "fire_lane"]
    return list(
        chain(
            (_camera(at, thing, "thrown_object") for thing in facade for at in (0.1, 0.15, 0.3)),
            (_camera(0.45, thing, "parking") for thing in lane),
            (_camera(0.8, thing, "parking", active=False) for thing in lane),
        )
    )


def _outage(here: Fleet) -> Scenario:
    """The hub says that its sensors are gone, then the whole compound is silent, until it comes back."""
    gone, back = 0.25, 0.8
    behind = [t for t in here.sensors if t.behind and t.vendor is Vendor.ZIGBEE2MQTT]
    inside = {(t.number, t.name) for t in here.things}
    incidents = [
        *(_said(0.2, thing, "offline", Writer.offline) for thing in behind),
        *(_said(back, thing, "online", Writer.heartbeat) for thing in (*behind, *here.gates)),
    ]
    return Scenario(tuple(incidents), lambda t, progress: gone <= progress < back and (t.number, t.name) in inside)
