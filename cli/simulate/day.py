"""An ordinary day: who passes where at which hour. Raises next to no alarms."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from cli.simulate.fleet import Fleet, bike_tags
from cli.simulate.shot import Shot, Thing
from cli.simulate.writer import Writer
from domain.security.devices.models import DeviceKind, Vendor

T = TypeVar("T")
# Share of the day's busiest hour, by hour: people leave from seven and come home from five.
CURVE: Final = (
    0.15, 0.1, 0.1, 0.1, 0.15, 0.3, 0.6, 1.0, 1.0, 0.7, 0.55, 0.6,
    0.7, 0.6, 0.5, 0.5, 0.65, 0.95, 1.0, 0.85, 0.65, 0.5, 0.35, 0.2,
)  # fmt: skip
MEAN: Final = sum(CURVE) / len(CURVE)
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_ABLE_TO_MEASURE: Final = frozenset({Vendor.ZIGBEE2MQTT, Vendor.ZHIAN, Vendor.THINGSBOARD, Vendor.CTWING})


def pace(progress: float) -> float:
    """How busy the day is at ``progress`` (0 to 1) against its mean."""
    return CURVE[min(int(progress * 24), 23)] / MEAN


class Day:
    """Draws the next ordinary message. ``silent``: devices that say nothing now."""

    def __init__(self, fleet: Fleet, writer: Writer, rng: random.Random, silent: Callable[[Thing], bool]) -> None:
        self._fleet = fleet
        self._writer = writer
        self._rng = rng
        self._silent = silent
        kinds: tuple[tuple[int, Callable[[], Shot | None]], ...] = (
            (40, self._passage),
            (20, self._plate),
            (18, self._tag),
            (10, self._measure),
            (4, self._camera),
            (10, self._heartbeat),
            (1, self._refusal),
        )
        self._weights = [weight for weight, _ in kinds]
        self._draws = [draw for _, draw in kinds]

    def next(self) -> Shot | None:
        """The next message; None when the device that was drawn is silent."""
        return self._rng.choices(self._draws, self._weights)[0]()

    def _one(self, things: Sequence[Thing]) -> Thing | None:
        chosen = self._rng.choice(things) if things else None
        return None if chosen is None or self._silent(chosen) else chosen

    def _passage(self) -> Shot | None:
        gate = self._one(self._fleet.gates)
        person = f"R-{self._rng.randint(1, 400):04d}"
        return (
            None
            if gate is None
            else self._writer.passage(gate, person, temperature=round(self._rng.uniform(36.0, 36.9), 1))
        )

    def _refusal(self) -> Shot | None:
        gate = self._one(self._fleet.gates)
        return None if gate is None else self._writer.passage(gate, "", refused=True)

    def _plate(self) -> Shot | None:
        camera = self._one(self._fleet.plate_readers)
        return None if camera is None else self._writer.plate(camera, plate(self._rng))

    def _tag(self) -> Shot | None:
        reader = self._one(self._fleet.tag_readers)
        if reader is None:
            return None
        tags = bike_tags(reader.compound, guarded=False)
        passing = [f"E28099990000{n:012X}" for n in self._rng.sample(range(1, 301), k=self._rng.randint(0, 2))]
        seen = [*self._rng.sample(tags, k=1), *passing]
        if reader.vendor is Vendor.ZHIAN and self._rng.random() < 0.5:
            return self._writer.tag_lines(reader, seen)
        return self._writer.tags(reader, seen)

    def _measure(self) -> Shot | None:
        sensor = self._one([t for t in self._fleet.sensors if t.vendor in _ABLE_TO_MEASURE])
        if sensor is None:
            return None
        if sensor.kind is DeviceKind.CONTACT:
            return self._writer.sensor(sensor, {"contact": self._rng.random() < 0.5})
        return self._writer.sensor(sensor, {"temperature_c": round(self._rng.uniform(15, 30), 1)})

    def _camera(self) -> Shot | None:
        camera = self._one([t for t in self._fleet.cameras if t.zone == "edge"])
        return None if camera is None else self._writer.camera(camera, "region_entry", target="human")

    def _heartbeat(self) -> Shot | None:
        device = self._one([t for t in self._fleet.things if not (t.behind and t.vendor is Vendor.TASMOTA)])
        return None if device is None else self._writer.heartbeat(device)


def plate(rng: random.Random) -> str:
    """A plate no vehicle has: the province sign is followed by a place that does not exist."""
    return f"测{rng.choice(_LETTERS)}{rng.randint(0, 99999):05d}"
