"""Sensors behind hubs and platforms: Zigbee2MQTT, Tasmota, ThingsBoard, CTWing. Readings come in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

_Z2M: Final = {"temperature_c": "temperature", "humidity_percent": "humidity", "battery_percent": "battery"}
_TASMOTA: Final = {"water_leak": "Water", "smoke": "Smoke", "gas": "Gas", "temperature_c": "Temperature"}
_ZONE_TYPES: Final = {"smoke": 0x28, "water_leak": 0x2A, "gas": 0x2B}
Reading = Mapping[str, bool | float]


def zigbee2mqtt(name: str | None, reading: Reading) -> bytes:
    """The state of one sensor; its name stands in the topic, and here where the bridge is set to include it."""
    values = {_Z2M.get(said, said): value for said, value in reading.items()}
    device = {"device": {"friendlyName": name, "type": "EndDevice"}} if name else {}
    return orjson.dumps({**values, **device, "linkquality": 94})


def tasmota(at: datetime, name: str, reading: Reading) -> bytes:
    """``tele/…/SENSOR`` of a bridge; a switch comes with its zone status."""
    report: dict[str, Any] = {"Device": name, "Endpoint": 1, "LinkQuality": 110}
    for said, value in reading.items():
        if said in _ZONE_TYPES:
            report |= {_TASMOTA[said]: int(value), "ZoneType": _ZONE_TYPES[said], "ZoneStatusChange": int(value)}
        else:
            report[_TASMOTA[said]] = value
    return orjson.dumps({"Time": at.isoformat(timespec="seconds"), "ZbReceived": {name: report}})


def thingsboard(at: datetime, name: str | None, reading: Reading) -> bytes:
    """Telemetry with its time: of a device, or of a gateway that names the device."""
    values = {"temperature" if said == "temperature_c" else said: value for said, value in reading.items()}
    one = {"ts": round(at.timestamp() * 1000), "values": values}
    return orjson.dumps(one if name is None else {name: [one]})


def ctwing(at: datetime, device: str, reading: Reading) -> bytes:
    """A dataReport of the NB-IoT smoke detector whose alarm codes its maker has not published."""
    said = {"TData": reading.get("temperature_c", 21), "RSRP": 104, "Battery_Level": 98, "AlarmLevel": 0}
    service = {"serviceId": "notification", "serviceData": {**said, "Alarm_Status": int(bool(reading.get("smoke")))}}
    return orjson.dumps(
        {
            "timestamp": round(at.timestamp() * 1000),
            "tenantId": "10000000",
            "protocol": "lwm2m",
            "productId": "15014772",
            "payload": service,
            "messageType": "dataReport",
            "deviceId": device,
            "IMEI": "860000000000001",
        }
    )
