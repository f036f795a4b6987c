"""Plate reads, analytics and signs of life of cameras."""

from __future__ import annotations

import pytest

from domain.security.devices.observation import EventKind, Observation, Rejection
from tests.unit.devices.samples import anpr, camera, one, read

XML = "application/xml"


@pytest.mark.parametrize(
    "namespace",
    [
        "",
        ' xmlns="http://www.hikvision.com/ver10/XMLSchema"',
        ' xmlns="http://www.hikvision.com/ver20/XMLSchema"',
        ' xmlns="http://www.isapi.org/ver20/XMLSchema"',
        ' xmlns="urn:psialliance-org"',
    ],
)
def test_namespaces_do_not_matter(namespace: str) -> None:
    event = one("hikvision", camera("tossing", namespace=namespace), content_type=XML)
    assert (event.kind, event.attributes["type"]) == (EventKind.CAMERA_EVENT, "thrown_object")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("tossing", "thrown_object"), ("fireEscapeDetection", "fire_lane_blocked"), ("parking", "parking"),
        ("takingElevatorDetection", "ebike_in_lift"), ("smokeDetection", "smoke"), ("smokeAndFireDetection", "fire"),
        ("fireDetection", "fire"), ("fielddetection", "intrusion"), ("linedetection", "line_crossing"),
        ("unattendedBaggage", "unattended_object"), ("IO", "alarm_input"), ("videoloss", "video_loss"),
        ("somethingNew", "other"),
    ],
)  # fmt: skip
def test_what_an_analytics_event_becomes(kind: str, expected: str) -> None:
    said = one("hikvision", camera(kind), content_type=XML).attributes
    assert said["type"] == expected
    assert said["active"] is True
    assert said.get("vendor_type") == (kind if expected == "other" else None)


def test_the_region_and_its_target_are_kept() -> None:
    region = (
        "<DetectionRegionList><DetectionRegionEntry><regionID>4</regionID><detectionTarget>human</detectionTarget>"
        "<TargetRect><X>0.5</X></TargetRect></DetectionRegionEntry></DetectionRegionList>"
    )
    event = one("hikvision", camera("fielddetection", region), content_type=XML)
    assert event.attributes == {"type": "intrusion", "active": True, "target": "human", "region": "4", "channel": 2}
    assert event.key == "fielddetection.2.4.on.2026-03-03T23:08:09.000Z"


def test_a_resent_camera_event_is_late() -> None:
    assert one("hikvision", camera("IO", "<isDataRetransmission>true</isDataRetransmission>"), content_type=XML).late


@pytest.mark.parametrize("document", [camera("heartBeat"), camera("videoloss").replace(">active<", ">inactive<")])
def test_heartbeats(document: str) -> None:
    event = one("hikvision", document, content_type=XML)
    assert event.kind is EventKind.HEARTBEAT
    assert event.occurred_at is not None


def test_the_end_of_an_event_has_its_own_key() -> None:
    on, off = camera("parking"), camera("parking").replace(">active<", ">inactive<")
    ended = one("hikvision", off, content_type=XML)
    assert ended.attributes["active"] is False
    assert ended.key != one("hikvision", on, content_type=XML).key


def test_a_plate_read() -> None:
    event = one("hikvision", anpr(), content_type=XML)
    assert event.kind is EventKind.PLATE_READ
    assert event.key == "anpr.5e0b8f0e-93a4-4d1c-9d55-2f7a3c1b0a99"
    assert event.subject == "浙FA1234"
    assert event.attributes == {
        "plate": "浙FA1234", "plate_raw": "浙F·A1234", "plate_color": "yellow_green", "confidence": 93.0,
        "movement": "forward", "lane": 1, "vehicle_type": "suv", "list": "allow", "channel": 2,
    }  # fmt: skip


def test_a_uuid_that_is_none_is_no_key() -> None:
    event = one("hikvision", anpr(uuid="x"), content_type=XML)
    assert event.key == "anpr.2.2026-03-03T23:08:09.000Z.浙FA1234"


@pytest.mark.parametrize("plate", ["unknown", "_无_", "No Plate", ""])
def test_an_unread_plate_is_null_and_has_no_subject(plate: str) -> None:
    event = one("hikvision", anpr(plate), content_type=XML)
    assert event.attributes["plate"] is None
    assert event.subject is None


def test_the_original_plate_stands_in_for_an_unread_one() -> None:
    extra = "<originalLicensePlate>浙F B0001</originalLicensePlate>"
    assert one("hikvision", anpr("unknown", extra=extra), content_type=XML).subject == "浙FB0001"


def test_back_fill_inside_the_anpr_block_is_late() -> None:
    assert one("hikvision", anpr(extra="<alarmDataType>1</alarmDataType>"), content_type=XML).late


def test_gb2312_bodies_are_read() -> None:
    body = anpr().replace("UTF-8", "gb2312").encode("gb18030")
    assert one("hikvision", body, content_type="text/xml").subject == "浙FA1234"


def test_utf_16_bodies_are_read() -> None:
    body = anpr().replace("UTF-8", "utf-16").encode("utf-16")
    assert one("hikvision", body, content_type="text/xml").subject == "浙FA1234"


def test_a_plate_search_is_late_and_keyed_by_picture() -> None:
    body = (
        "<Plates><Plate><captureTime>20260304T070809</captureTime><plateNumber>浙FC0002</plateNumber>"
        "<picName>98765432109876543210123</picName></Plate>"
        "<Plate><captureTime>20260304T070810</captureTime><plateNumber>unknown</plateNumber></Plate></Plates>"
    )
    named, unnamed = read("hikvision", body, content_type=XML)
    assert isinstance(named, Observation)
    assert isinstance(unnamed, Observation)
    assert named.late
    assert named.key == "plate.98765432109876543210123"
    assert named.occurred_at is not None
    assert named.occurred_at.isoformat() == "2026-03-03T23:08:09+00:00"
    assert unnamed.key == "anpr.-.2026-03-03T23:08:10.000Z.unknown"


def test_a_listeners_configuration_is_explained() -> None:
    (record,) = read("hikvision", "<HttpHostNotificationList><HttpHostNotification/></HttpHostNotificationList>")
    assert isinstance(record, Rejection)
    assert "HttpHostNotificationList" in record.detail
