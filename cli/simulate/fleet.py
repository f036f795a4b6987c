"""The demo's devices by what they can see, and what there is to be seen: tags, plates, people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cli.demo_world.ebikes import bikes
from cli.demo_world.places import COMPOUNDS
from cli.simulate.shot import Thing
from domain.security.devices.models import DeviceKind, Vendor

SENSORS = frozenset({DeviceKind.SMOKE, DeviceKind.GAS, DeviceKind.WATER_LEAK, DeviceKind.CONTACT})
_ANPR = "车辆识别"


@dataclass(frozen=True)
class Fleet:
    """Devices of one demo; the lists are in the order of their registration."""

    things: tuple[Thing, ...]

    @cached_property
    def gates(self) -> tuple[Thing, ...]:
        """Gates and doors that report passages."""
        return tuple(t for t in self.things if t.kind is DeviceKind.GATE)

    @cached_property
    def plate_readers(self) -> tuple[Thing, ...]:
        """Barrier cameras, and the cameras at the edges of open compounds that read plates."""
        return tuple(t for t in self.things if t.kind is DeviceKind.BARRIER_CAMERA or _ANPR in t.name)

    @cached_property
    def tag_readers(self) -> tuple[Thing, ...]:
        """Readers of e-bike tags."""
        return tuple(t for t in self.things if t.kind is DeviceKind.RFID_READER)

    @cached_property
    def cameras(self) -> tuple[Thing, ...]:
        """Cameras with analytics."""
        return tuple(t for t in self.things if t.kind is DeviceKind.CAMERA and _ANPR not in t.name)

    @cached_property
    def sensors(self) -> tuple[Thing, ...]:
        """Sensors, alone or behind a hub."""
        return tuple(t for t in self.things if t.kind in SENSORS)

    @cached_property
    def compounds(self) -> tuple[str, ...]:
        """Names of the compounds that have devices."""
        return tuple(dict.fromkeys(t.compound for t in self.things))

    def within(self, compound: str) -> Fleet:
        """The devices of one compound."""
        return Fleet(tuple(t for t in self.things if t.compound == compound))

    def of(self, kind: DeviceKind, *vendors: Vendor) -> tuple[Thing, ...]:
        """Devices of one kind, of any vendor or of those named."""
        return tuple(t for t in self.things if t.kind is kind and (not vendors or t.vendor in vendors))


def bike_tags(compound: str, *, guarded: bool) -> Sequence[str]:
    """The first tag of each e-bike of a compound that is guarded, or that is not."""
    plan = next((known for known in COMPOUNDS if known.name == compound), None)
    return [bike.tags[0][0] for bike in bikes(plan) if bike.guarded is guarded] if plan else []
