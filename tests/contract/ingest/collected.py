"""The collected real messages, and what the table of docs/devices.md says they become."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[4] / "shared" / "payloads"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="the collected messages are not beside the repository")


@dataclass(frozen=True)
class Collected:
    """``becomes``: kinds of events, or "heartbeat"; ``quarantined``: reasons. ``topic``: below the device's own.
    ``behind``: what the hub calls the devices behind it."""

    name: str
    vendor: str
    becomes: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    topic: str | None = None
    behind: tuple[str, ...] = ()

    @property
    def content(self) -> bytes:
        return (FOLDER / self.name).read_bytes()

    @property
    def request(self) -> tuple[bytes, str]:
        """Body and content type as its device posts it."""
        if self.name.endswith(".http"):
            head, _, body = self.content.partition(b"\r\n\r\n")
            kind = re.search(rb"(?i)content-type:\s*([^\r]+)", head)
            assert kind
            return body, kind[1].decode()
        return self.content, "application/xml" if self.name.endswith(".xml") else "application/json"


UNKNOWN = ("unknown_message",)
COLLECTED = (
    Collected("hikvision/acs_multipart_face_remotecheck.http", "hikvision", ("passage",)),
    Collected("hikvision/acs_pass_granted.json", "hikvision", ("passage",)),
    Collected("hikvision/acsevent_search_temperature_healthcode.json", "hikvision", ("passage",)),
    Collected("hikvision/anpr_barrier_ds_tcg405.xml", "hikvision", ("plate_read",)),
    Collected("hikvision/anpr_multipart_close.http", "hikvision", ("plate_read",)),
    Collected("hikvision/field_intrusion_human.xml", "hikvision", ("camera_event",)),
    Collected("hikvision/heartbeat_alertstream.xml", "hikvision", ("heartbeat",)),
    Collected("hikvision/io_alarm_input.xml", "hikvision", ("camera_event",)),
    Collected("hikvision/put_httphosts_config.xml", "hikvision", quarantined=UNKNOWN),
    Collected("hikvision/put_userinfo_record.json", "hikvision", quarantined=UNKNOWN),
    Collected("hikvision/put_visitor_pass_user_and_card.json", "hikvision", quarantined=UNKNOWN * 2),
    Collected("hikvision/reply_remotecheck.json", "hikvision", quarantined=UNKNOWN),
    Collected("rfid/impinj_mqtt_rssi.json", "impinj", ("tag_read",), topic="impinj/events"),
    Collected("rfid/impinj_taginventory_webhook.json", "impinj", ("tag_read", "tag_read")),
    Collected("rfid/llrp_ro_access_reports.hex", "impinj", quarantined=("unparseable",)),
    Collected("rfid/zebra_dataevt.json", "zebra", ("tag_read",), topic="zebra/data"),
    Collected("sensors/ctwing_liquid_level.json", "ctwing", ("sensor",), behind=("0" * 31 + "2",)),
    Collected("sensors/ctwing_nbiot_smoke.json", "ctwing", ("sensor",), behind=("0" * 31 + "1",)),
    Collected(
        "sensors/ha_discovery_smoke.json",
        "zigbee2mqtt",
        quarantined=UNKNOWN,
        topic="zigbee2mqtt/homeassistant/binary_sensor/1/smoke/config",
    ),
    Collected(
        "sensors/tasmota_zonestatuschange.json",
        "tasmota",
        ("sensor",),
        topic="tasmota/tele/gateway/SENSOR",
        behind=("0x898E",),
    ),
    Collected(
        "sensors/thingsboard_gateway_telemetry.json",
        "thingsboard",
        ("sensor", "sensor"),
        topic="thingsboard/v1/gateway/telemetry",
        behind=("Smoke A",),
    ),
    Collected(
        "sensors/z2m_water_leak_tamper.json", "zigbee2mqtt", ("sensor",), topic="zigbee2mqtt/0x01", behind=("0x01",)
    ),
    Collected(
        "sensors/z2m_xiaomi_smoke.json", "zigbee2mqtt", ("sensor",), topic="zigbee2mqtt/Smoke", behind=("Smoke",)
    ),
)
