"""The devices of a compound: gates and barriers where it is closed, cameras at the edges where it is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cli.demo_world.places import BUILDINGS, Compound, building_name
from domain.security.devices.models import DeviceKind, Vendor

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
HUB: Final = "Zigbee 网关"


@dataclass(frozen=True, slots=True)
class Planned:
    """A device to be.

    ``name`` is unique in the compound; ``home`` counts the homes that are lived in; ``gateway`` is the name of the hub
    it hangs on, ``external_id`` what the hub calls it. ``heartbeat``: seconds, None = it sends none.
    """

    kind: DeviceKind
    vendor: Vendor
    name: str
    place: str
    zone: str = ""
    model: str = ""
    direction: str | None = None
    home: int | None = None
    building: int | None = None
    gateway: str | None = None
    external_id: str | None = None
    heartbeat: int | None = 5 * MINUTE


_KIND, _V = DeviceKind, Vendor
_FACE = "face terminal"
_WORDS: Final = {_KIND.SMOKE: "烟感", _KIND.GAS: "燃气探测器", _KIND.WATER_LEAK: "水浸传感器", _KIND.CONTACT: "门磁"}


def planned(compound: Compound) -> list[Planned]:
    """Every device of the compound; hubs stand before what hangs on them."""
    found = [*(_closed() if compound.closed else _open()), *_cameras(), *_hub(), *_alone()]
    if compound.index == 0:
        found += _platforms()
    return found


def _closed() -> list[Planned]:
    gate, barrier, reader = _KIND.GATE, _KIND.BARRIER_CAMERA, _KIND.RFID_READER
    return [
        Planned(gate, _V.HIKVISION, "南门人行进", "南门人行入口", "gate", _FACE, "in"),
        Planned(gate, _V.HIKVISION, "南门人行出", "南门人行出口", "gate", _FACE, "out"),
        Planned(gate, _V.ZHIAN, "北门人行", "北门人行通道", "gate", "speed gate", heartbeat=MINUTE),
        Planned(barrier, _V.HIKVISION, "南门车行进", "南门车辆入口", "gate", "barrier camera", "in"),
        Planned(barrier, _V.HIKVISION, "南门车行出", "南门车辆出口", "gate", "barrier camera", "out"),
        Planned(barrier, _V.ZHIAN, "北门车行", "北门车辆通道", "gate", "barrier camera", heartbeat=MINUTE),
        Planned(reader, _V.IMPINJ, "南门读卡器", "南门非机动车道", "gate", "UHF reader", heartbeat=MINUTE),
        Planned(reader, _V.ZEBRA, "车棚读卡器", "电动车棚", "bike_shed", "UHF reader", heartbeat=MINUTE),
        Planned(reader, _V.ZHIAN, "充电站读卡器", "电动车充电站", "charging", "2.4 GHz reader", heartbeat=MINUTE),
    ]


def _open() -> list[Planned]:
    edge, reader = _KIND.CAMERA, _KIND.RFID_READER
    return [
        Planned(edge, _V.HIKVISION, "东侧路口车辆识别", "东侧路口", "edge", "ANPR camera"),
        Planned(edge, _V.HIKVISION, "西侧路口车辆识别", "西侧路口", "edge", "ANPR camera"),
        Planned(edge, _V.HIKVISION, "东侧边界相机", "东侧边界", "edge", "analytics camera"),
        Planned(edge, _V.ZHIAN, "西侧边界相机", "西侧边界", "edge", "analytics camera", heartbeat=MINUTE),
        Planned(_KIND.GATE, _V.ZHIAN, "1号楼单元门", "1号楼1单元", "building_door", "door controller", building=0),
        Planned(reader, _V.IMPINJ, "东侧路口读卡器", "东侧路口", "gate", "UHF reader", heartbeat=MINUTE),
        Planned(reader, _V.ZHIAN, "充电站读卡器", "电动车充电站", "charging", "2.4 GHz reader", heartbeat=MINUTE),
    ]


def _cameras() -> list[Planned]:
    camera = _KIND.CAMERA
    return [
        Planned(camera, _V.HIKVISION, "消防通道相机", "1号楼北侧消防通道", "fire_lane", "analytics camera"),
        Planned(camera, _V.HIKVISION, "高空抛物相机", "2号楼东立面", "facade", "facade camera", building=1),
        Planned(camera, _V.ZHIAN, "楼道相机", "3号楼1单元楼道", "corridor", "analytics camera", building=2),
    ]


def _hub() -> list[Planned]:
    """The Zigbee hub and four sensors in each of four homes behind it, plus one in the property office."""
    hub = Planned(_KIND.GATEWAY, _V.ZIGBEE2MQTT, HUB, "物业机房", model="Zigbee hub", heartbeat=10 * MINUTE)
    behind = [
        Planned(
            kind,
            _V.ZIGBEE2MQTT,
            f"网关{home + 1}号户{words}",
            f"户内{words}",
            "home",
            home=home,
            gateway=HUB,
            external_id=f"home{home + 1}/{kind}",
            heartbeat=DAY,
        )
        for home in range(4)
        for kind, words in _WORDS.items()
    ]
    office = Planned(
        _KIND.SMOKE,
        _V.ZIGBEE2MQTT,
        "物业办公室烟感",
        "物业办公室",
        "office",
        gateway=HUB,
        external_id="Smoke",
        heartbeat=DAY,
    )
    return [hub, *behind, office]


def _alone() -> list[Planned]:
    """Sensors that reach us by themselves: with their own credential, in homes and in corridors."""
    kind = _KIND
    rows = (
        (kind.SMOKE, _V.ZIGBEE2MQTT, 4), (kind.GAS, _V.ZIGBEE2MQTT, 4),
        (kind.WATER_LEAK, _V.ZIGBEE2MQTT, 5), (kind.CONTACT, _V.ZIGBEE2MQTT, 5),
        (kind.SMOKE, _V.ZHIAN, 6), (kind.GAS, _V.ZHIAN, 6), (kind.WATER_LEAK, _V.ZHIAN, 7), (kind.CONTACT, _V.ZHIAN, 7),
        (kind.SMOKE, _V.CTWING, 8), (kind.WATER_LEAK, _V.TASMOTA, 9), (kind.SMOKE, _V.THINGSBOARD, 10),
    )  # fmt: skip
    homes = [
        Planned(what, vendor, f"{home + 1}号户{_WORDS[what]}", f"户内{_WORDS[what]}", "home", home=home, heartbeat=DAY)
        for what, vendor, home in rows
    ]
    corridors = [
        Planned(
            kind.SMOKE,
            _V.ZHIAN,
            f"{building_name(n)}楼道烟感",
            f"{building_name(n)}楼道",
            "corridor",
            building=n,
            heartbeat=DAY,
        )
        for n in range(BUILDINGS)
    ]
    room = Planned(kind.CONTACT, _V.ZHIAN, "配电间门磁", "配电间", "plant_room", heartbeat=DAY)
    return [*homes, *corridors, room]


def _platforms() -> list[Planned]:
    """Hubs and platforms of the other vendors, each with one sensor behind it."""
    rows = (
        (_V.TASMOTA, "Tasmota 网桥", "0x898E"),
        (_V.THINGSBOARD, "ThingsBoard 网关", "Smoke A"),
        (_V.CTWING, "CTWing 平台", f"{1:032d}"),
    )
    found: list[Planned] = []
    for vendor, hub, external_id in rows:
        found.append(Planned(_KIND.GATEWAY, vendor, hub, "物业机房", model="gateway", heartbeat=10 * MINUTE))
        found.append(
            Planned(
                _KIND.SMOKE,
                vendor,
                f"{vendor} 烟感",
                "物业仓库",
                "store",
                gateway=hub,
                external_id=external_id,
                heartbeat=DAY,
            )
        )
    return found
