"""Collected real messages, where they are at hand: each becomes the event it is, or an explained rejection."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.security.devices.observation import Observation
from integrations.devices.registry import parse_strictly, reply
from tests.unit.devices.samples import ZONE

FOLDER = Path(__file__).parents[4] / "shared" / "payloads"
# file -> vendor, MQTT topic, kind of each record (or the reason of its rejection)
EXPECTED: dict[str, tuple[str, str | None, list[str]]] = {
    "hikvision/acs_multipart_face_remotecheck.http": ("hikvision", None, ["passage"]),
    "hikvision/acs_pass_granted.json": ("hikvision", None, ["passage"]),
    "hikvision/acsevent_search_temperature_healthcode.json": ("hikvision", None, ["passage"]),
    "hikvision/anpr_barrier_ds_tcg405.xml": ("hikvision", None, ["plate_read"]),
    "hikvision/anpr_multipart_close.http": ("hikvision", None, ["plate_read"]),
    "hikvision/field_intrusion_human.xml": ("hikvision", None, ["camera_event"]),
    "hikvision/heartbeat_alertstream.xml": ("hikvision", None, ["heartbeat"]),
    "hikvision/io_alarm_input.xml": ("hikvision", None, ["camera_event"]),
    "hikvision/put_httphosts_config.xml": ("hikvision", None, ["unknown_message"]),
    "hikvision/put_userinfo_record.json": ("hikvision", None, ["unknown_message"]),
    "hikvision/put_visitor_pass_user_and_card.json": ("hikvision", None, ["unknown_message"] * 2),
    "hikvision/reply_remotecheck.json": ("hikvision", None, ["unknown_message"]),
    "rfid/impinj_mqtt_rssi.json": ("impinj", "impinj/events", ["tag_read"]),
    "rfid/impinj_taginventory_webhook.json": ("impinj", None, ["tag_read"] * 2),
    "rfid/llrp_ro_access_reports.hex": ("impinj", None, ["unparseable"]),
    "rfid/zebra_dataevt.json": ("zebra", "zebra/data", ["tag_read"]),
    "sensors/ctwing_liquid_level.json": ("ctwing", None, ["sensor"]),
    "sensors/ctwing_nbiot_smoke.json": ("ctwing", None, ["sensor"]),
    "sensors/ha_discovery_smoke.json": (
        "zigbee2mqtt",
        "homeassistant/binary_sensor/1/smoke/config",
        ["unknown_message"],
    ),
    "sensors/tasmota_zonestatuschange.json": ("tasmota", "tasmota/898E/tele/SENSOR", ["sensor"]),
    "sensors/thingsboard_gateway_telemetry.json": ("thingsboard", "v1/gateway/telemetry", ["sensor"] * 2),
    "sensors/z2m_water_leak_tamper.json": ("zigbee2mqtt", "zigbee2mqtt/0x01", ["sensor"]),
    "sensors/z2m_xiaomi_smoke.json": ("zigbee2mqtt", "zigbee2mqtt/Smoke", ["sensor"]),
}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the collected messages are not beside the repository")


def test_every_collected_message_is_expected() -> None:
    found = {
        str(path.relative_to(FOLDER)) for name in ("hikvision", "rfid", "sensors") for path in (FOLDER / name).iterdir()
    }
    assert found == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_collected_message(name: str) -> None:
    vendor, topic, expected = EXPECTED[name]
    body, kind = (FOLDER / name).read_bytes(), "application/json"
    if name.endswith(".xml"):
        kind = "application/xml"
    if name.endswith(".http"):
        head, _, body = body.partition(b"\r\n\r\n")
        named = re.search(rb"Content-Type: ([^\r]+)", head)
        assert named
        kind = named[1].decode()
    records = parse_strictly(vendor, body, content_type=kind, topic=topic, timezone=ZONE)
    assert [
        record.kind.value if isinstance(record, Observation) else record.reason.value for record in records
    ] == expected
    assert reply(vendor, records)[0] == 200
    assert b"success" not in reply(vendor, records)[2]


@pytest.mark.parametrize("name", ["acs_multipart_face_remotecheck.http", "anpr_multipart_close.http"])
def test_the_pictures_of_a_collected_message_come_with_it(name: str) -> None:
    head, _, body = (FOLDER / "hikvision" / name).read_bytes().partition(b"\r\n\r\n")
    kind = head.partition(b"Content-Type: ")[2].partition(b"\r\n")[0].decode()
    (record,) = parse_strictly("hikvision", body, content_type=kind, topic=None, timezone=ZONE)
    assert isinstance(record, Observation)
    assert len(record.pictures) == body.count(b"image/jpeg")
