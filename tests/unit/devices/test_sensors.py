"""Sensors behind Zigbee2MQTT, Tasmota, ThingsBoard and CTWing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from domain.security.devices.observation import EventKind, Observation, Reason, Rejection
from integrations.devices.ctwing.parse import parse as parse_ctwing
from integrations.devices.ctwing.products import Product
from integrations.devices.push import Push
from tests.unit.devices.samples import CTWING, ZONE, one, read


def rejected(vendor: str, body: Any, topic: str | None = None) -> Rejection:
    (record,) = read(vendor, body, topic=topic)
    assert isinstance(record, Rejection)
    return record


def test_a_zigbee2mqtt_state_is_edge_detected_by_its_switches() -> None:
    sent = {"smoke": True, "tamper": False, "battery_low": "false", "battery": 71, "linkquality": 60, "voltage": 2.9}
    event = one("zigbee2mqtt", sent, topic="zigbee2mqtt/hall/Smoke 2")
    assert event.kind is EventKind.SENSOR
    assert event.key is None
    assert event.source == "hall/Smoke 2"
    assert event.state == {"smoke": True, "tamper": False, "battery_low": False}
    measures = {"battery_percent": 71, "link_quality": 60, "voltage_mv": 2900}
    assert event.attributes == {**event.state, **measures}
    assert event.occurred_at is None


@pytest.mark.parametrize("last_seen", [1767225600000, "2026-01-01T00:00:00.000Z", "2026-01-01T08:00:00"])
def test_zigbee2mqtt_last_seen_in_each_of_its_formats(last_seen: Any) -> None:
    event = one("zigbee2mqtt", {"gas": True, "last_seen": last_seen}, topic="zigbee2mqtt/G")
    assert event.occurred_at is not None
    assert event.occurred_at.timestamp() == 1767225600


def test_the_embedded_name_stands_in_for_the_topic() -> None:
    sent = {"contact": True, "device": {"friendlyName": "Door 1", "ieeeAddr": "0x01"}}
    assert one("zigbee2mqtt", sent).source == "Door 1"
    assert one("zigbee2mqtt", sent, topic="zigbee2mqtt/Cellar").source == "Cellar"


def test_an_emergency_button_is_duress_until_its_action_ends() -> None:
    assert one("zigbee2mqtt", {"action": "emergency"}, topic="zigbee2mqtt/B").state == {"duress": True}
    assert one("zigbee2mqtt", {"action": ""}, topic="zigbee2mqtt/B").state == {"duress": False}


def test_a_reading_without_switches_is_edge_detected_by_its_measures() -> None:
    event = one("zigbee2mqtt", {"temperature": 21.5, "linkquality": 9}, topic="zigbee2mqtt/T")
    assert event.state == {"temperature_c": 21.5}


def test_battery_and_radio_alone_are_a_sign_of_life() -> None:
    event = one("zigbee2mqtt", {"battery": 90, "linkquality": 44, "update": {"state": "idle"}}, topic="zigbee2mqtt/T")
    assert event.kind is EventKind.HEARTBEAT
    assert event.state is None


@pytest.mark.parametrize("body", ["online", '"online"', '{"state":"online"}'])
@pytest.mark.parametrize(("topic", "source"), [("bridge/state", None), ("Hall/availability", "Hall")])
def test_availability_online_is_a_heartbeat(body: str, topic: str, source: str | None) -> None:
    event = one("zigbee2mqtt", body, topic=f"zigbee2mqtt/{topic}")
    assert (event.kind, event.source, event.state) == (EventKind.HEARTBEAT, source, {"online": True})


def test_availability_offline_is_an_alarm_of_the_device() -> None:
    event = one("zigbee2mqtt", '{"state":"offline"}', topic="zigbee2mqtt/Hall/availability")
    assert (event.kind, event.source, event.state) == (EventKind.DEVICE_ALARM, "Hall", {"online": False})
    assert event.attributes == {"alarm": "offline", "active": True}


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("zigbee2mqtt/bridge/devices", "[]"),
        ("zigbee2mqtt/bridge/logging", '{"level":"info"}'),
        ("zigbee2mqtt/Lamp/set", '{"smoke":true}'),
        ("zigbee2mqtt/Hall/availability", '"maybe"'),
        ("zigbee2mqtt/Hall/smoke", "true"),
        ("zigbee2mqtt/Hall", "{}"),
        (
            "homeassistant/binary_sensor/1/config",
            '{"device_class":"gas","state_topic":"zigbee2mqtt/1","value_template":"{{ value_json.gas }}"}',
        ),
    ],
)
def test_what_is_no_state_of_a_sensor_is_explained(topic: str, body: str) -> None:
    assert rejected("zigbee2mqtt", body, topic).detail


@pytest.mark.parametrize(
    ("report", "state"),
    [
        ({"ZoneStatusChange": 1}, {"alarm": True, "tamper": False, "battery_low": False}),
        ({"ZoneStatusChange": 2}, {"alarm": True, "tamper": False, "battery_low": False}),
        ({"ZoneStatusChange": 12}, {"alarm": False, "tamper": True, "battery_low": True}),
        ({"0500<00": "010000FF0000"}, {"alarm": True, "tamper": False, "battery_low": False}),
        ({"0500<00": "0400"}, {"alarm": False, "tamper": True, "battery_low": False}),
        (
            {"ZoneStatusChange": 1, "Water": 0},
            {"alarm": True, "water_leak": True, "tamper": False, "battery_low": False},
        ),
        (
            {"ZoneStatusChange": 0, "ZoneType": 40},
            {"alarm": False, "smoke": False, "tamper": False, "battery_low": False},
        ),
        (
            {"ZoneStatusChange": 1, "ZoneType": 21},
            {"alarm": True, "contact": False, "tamper": False, "battery_low": False},
        ),
        ({"Water": 1}, {"water_leak": True}),
        ({"Contact": 1}, {"contact": False}),
    ],
)
def test_tasmota_zone_states(report: dict[str, Any], state: dict[str, bool]) -> None:
    event = one("tasmota", {"ZbReceived": {"0x77AA": {"Device": "0x77AA", **report}}}, topic="tasmota/z/tele/SENSOR")
    assert event.state == state
    assert event.source == "0x77AA"


def test_a_periodic_zero_does_not_clear_a_zone_alarm() -> None:
    event = one("tasmota", {"ZbReceived": {"0x77AA": {"Name": "Kitchen", "Water": 0, "LinkQuality": 60}}})
    assert (event.kind, event.state, event.source) == (EventKind.HEARTBEAT, None, "Kitchen")


def test_tasmota_reports_several_sensors_in_the_devices_local_time() -> None:
    sent = {"Time": "2026-01-01T08:00:00", "ZbReceived": {"0x1": {"Temperature": 20}, "0x2": {"ZoneStatusChange": 0}}}
    first, second = read("tasmota", sent)
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert (first.source, second.source) == ("0x1", "0x2")
    assert first.state == {"temperature_c": 20}
    assert first.occurred_at is not None
    assert first.occurred_at.timestamp() == 1767225600


def test_tasmota_own_sensors_stand_one_level_down() -> None:
    event = one(
        "tasmota", {"Time": "2026-01-01T08:00:00", "SHT3X": {"Temperature": 4.5, "Humidity": 40}, "TempUnit": "C"}
    )
    assert event.attributes == {"temperature_c": 4.5, "humidity_percent": 40}


def test_tasmota_last_will() -> None:
    assert one("tasmota", "Online", topic="tasmota/z/tele/LWT").kind is EventKind.HEARTBEAT
    assert one("tasmota", "Offline", topic="tasmota/z/tele/LWT").attributes["alarm"] == "offline"
    assert rejected("tasmota", "?", "tasmota/z/tele/LWT").reason is Reason.BAD_VALUE
    assert rejected("tasmota", "{}", "tasmota/stat/z/RESULT").reason is Reason.UNKNOWN_MESSAGE


@pytest.mark.parametrize(
    "body", ["{temperature:25}", "{'temperature':25}", '{"temperature":25}', "{ temperature : '25' }"]
)
def test_thingsboard_relaxed_json(body: str) -> None:
    event = one("thingsboard", body)
    assert (event.attributes, event.state, event.key) == ({"temperature_c": 25}, {"temperature_c": 25}, None)


@pytest.mark.parametrize(
    "body", ["{temperature:}", "{temperature:25", "{a:1,a:2}", "{a:1 b:2}", "[a]", "{}", "{a:1.2.3}"]
)
def test_thingsboard_what_is_not_even_relaxed(body: str) -> None:
    assert rejected("thingsboard", body).reason in (Reason.UNPARSEABLE, Reason.BAD_VALUE)


def test_thingsboard_telemetry_with_time_has_a_key_and_no_edge() -> None:
    sent = {
        "Smoke B": [{"ts": 1767225600000, "values": {"smoke": True}}, {"ts": 1767225601000, "values": {"smoke": False}}]
    }
    records = [record for record in read("thingsboard", sent) if isinstance(record, Observation)]
    assert [record.source for record in records] == ["Smoke B", "Smoke B"]
    assert len({record.key for record in records}) == 2
    assert all(record.key and record.state is None and record.occurred_at for record in records)
    assert [record.key for record in read("thingsboard", sent) if isinstance(record, Observation)] == [
        record.key for record in records
    ]


def test_thingsboard_a_bad_set_costs_only_itself() -> None:
    sent = [{"ts": "soon", "values": {"gas": True}}, {"gas": True}, 7]
    records = read("thingsboard", sent, topic="v1/devices/me/telemetry")
    assert [isinstance(record, Observation) for record in records] == [False, True, False]


def test_thingsboard_gateway_connections() -> None:
    assert one("thingsboard", {"device": "A"}, topic="v1/gateway/connect").state == {"online": True}
    assert one("thingsboard", {"device": "A"}, topic="v1/gateway/disconnect").state == {"online": False}
    assert rejected("thingsboard", {}, "v1/gateway/connect").reason is Reason.MISSING_FIELD
    assert rejected("thingsboard", {"fw": 1}, "v1/devices/me/attributes").reason is Reason.UNKNOWN_MESSAGE


def test_ctwing_an_unknown_product_raises_nothing() -> None:
    event = one("ctwing", CTWING)
    assert event.kind is EventKind.SENSOR
    assert event.source == "d-900"
    assert event.attributes == {
        "battery_percent": 55, "signal_dbm": -96, "alarm_status": 1, "alarm_unmapped": True, "imei": "*" * 11 + "0123"
    }  # fmt: skip
    assert event.occurred_at is not None
    assert event.occurred_at.timestamp() == 1767225600.123


def test_ctwing_a_known_products_code_is_a_switch() -> None:
    products = {"77": Product(alarms={"Alarm_Status": {0: {"smoke": False}, 1: {"smoke": True}}})}
    (event,) = parse_ctwing(Push(json.dumps(CTWING).encode(), "", None, ZONE), products)
    assert isinstance(event, Observation)
    assert event.attributes["smoke"] is True
    assert "alarm_unmapped" not in event.attributes


def test_ctwing_keys_follow_device_time_and_payload() -> None:
    other = {**CTWING, "payload": {"liquid_level": 3}}
    assert one("ctwing", CTWING).key == one("ctwing", dict(CTWING)).key
    assert one("ctwing", CTWING).key != one("ctwing", other).key


def test_ctwing_app_data() -> None:
    inside = base64.b64encode(b'{"temperature": 19}').decode()
    assert one("ctwing", {**CTWING, "payload": {"APPdata": inside}}).attributes["temperature_c"] == 19
    frame = base64.b64encode(b"\x68\x01\x02\x16").decode()
    assert rejected("ctwing", {**CTWING, "payload": {"APPdata": frame}}).reason is Reason.UNKNOWN_MESSAGE


@pytest.mark.parametrize(
    "change",
    [
        {"messageType": "deviceOnlineOfflineReport"},
        {"messageType": None},
        {"payload": {}},
        {"deviceId": "", "IMEI": ""},
    ],
)
def test_ctwing_other_messages_are_explained(change: dict[str, Any]) -> None:
    assert rejected("ctwing", {**CTWING, **change}).detail
