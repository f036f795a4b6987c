"""Who takes part: the demo's devices in three ways of sending, and subscribers with different sights."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any

from tests.faults.harness.devices import WINDOW, HttpDevice, Load, MqttDevice
from tests.faults.harness.followers import Follower, SocketFollower, StreamFollower
from tests.faults.harness.stage import LOOPBACK, Stage
from tests.faults.harness.writer import HubWriter, Writer

NDJSON, JSON = "application/x-ndjson", "application/json"
COMPOUNDS = ("云溪花园", "听泉苑")
KINDS = ("gate", "camera", "smoke", "gas", "water_leak")
SECONDS_BETWEEN = 0.25
SECONDS_BETWEEN_BODIES = 1.0
HUB_SENSOR = "home1/smoke"


def fleet(stage: Stage, load: Load, rng: random.Random) -> list[HttpDevice | MqttDevice]:
    """Devices of two compounds that speak Zhian's contract, in turn in lines, by MQTT and one by one; and a hub."""
    url, broker = f"http://{LOOPBACK}:{stage.http_port}/devices/events", (LOOPBACK, stage.mqtt_port)
    spoken = [
        d for d in stage.demo["devices"]
        if d["vendor"] == "zhian" and d["kind"] in KINDS and d["compound_name"] in COMPOUNDS
    ]  # fmt: skip
    found: list[HttpDevice | MqttDevice] = []
    for number, device in enumerate(spoken):
        own = random.Random(rng.random())
        writer = Writer(device["number"], device["kind"], own)
        secret, topic, every = device["credential"], device["mqtt_topic"], SECONDS_BETWEEN
        match number % 5:
            case 0:
                every = SECONDS_BETWEEN_BODIES
                found.append(HttpDevice(load, url, secret, NDJSON, every, writer.lines, own))
            case 1 | 3:
                every *= WINDOW
                found.append(MqttDevice(load, broker, str(device["number"]), secret, topic, every, writer.one, own))
            case _:
                found.append(HttpDevice(load, url, secret, JSON, every, writer.one, own))
    return [*found, _hub(stage, load, random.Random(rng.random()))]


def _hub(stage: Stage, load: Load, rng: random.Random) -> MqttDevice:
    """A hub waits for each acknowledgement: what it says has no key, so only order tells what is news."""
    sensor = next(d for d in stage.demo["devices"] if d["external_id"] == HUB_SENSOR)
    user, secret, topic = sensor["mqtt_user"], sensor["credential"], sensor["mqtt_topic"]
    make = HubWriter(sensor["number"]).one
    return MqttDevice(load, (LOOPBACK, stage.mqtt_port), user, secret, topic, 1.0, make, rng, window=1)


def followers_of(stage: Stage) -> list[Follower]:
    """The county twice, by socket and by event stream; police, a property manager and a resident."""
    base = f"{LOOPBACK}:{stage.http_port}"

    def sees_all(_: Any) -> bool:
        return True

    county = _account(stage, "county_operator")["phone"]
    chosen: list[tuple[str, Callable[[Any], bool]]] = [(county, sees_all)]
    police = _account(stage, "community_police")
    community = _number(police["scope"])
    chosen.append((police["phone"], lambda row: row["community_id"] == community))
    manager = _account(stage, "property_manager")
    compound = _number(manager["scope"])
    chosen.append((manager["phone"], lambda row: row["compound_id"] == compound and "staff" in row["audience"]))
    smoke = next(d for d in stage.demo["devices"] if d["vendor"] == "zhian" and d["kind"] == "smoke" and d["home"])
    resident = _account(stage, "resident", smoke["home"])
    home = _number(smoke["home"])
    chosen.append((resident["phone"], lambda row: row["home_id"] == home and "home" in row["audience"]))
    sockets = [SocketFollower(phone, base, stage.token, sees) for phone, sees in chosen]
    return [*sockets, StreamFollower(county, base, stage.token, sees_all)]


def _account(stage: Stage, role: str, scope: str | None = None) -> dict[str, Any]:
    return next(a for a in stage.demo["accounts"] if a["role"] == role and scope in (None, a["scope"]))


def _number(global_id: str) -> int:
    return int(base64.b64decode(global_id).decode().partition(":")[2])
