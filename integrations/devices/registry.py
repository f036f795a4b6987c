"""Which parser reads which vendor, and what a device is answered. Neither ever raises, whatever the bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from domain.security.devices.models import Vendor
from domain.security.devices.observation import Reason, Record, Rejection
from integrations.devices.ctwing import parse as ctwing
from integrations.devices.hikvision import parse as hikvision
from integrations.devices.hikvision.reply import reply as hikvision_reply
from integrations.devices.impinj import parse as impinj
from integrations.devices.limits import BODY_BYTES
from integrations.devices.push import Push, Refused
from integrations.devices.tasmota import parse as tasmota
from integrations.devices.thingsboard import parse as thingsboard
from integrations.devices.zebra import parse as zebra
from integrations.devices.zhian import parse as zhian
from integrations.devices.zigbee2mqtt import parse as zigbee2mqtt

Parser = Callable[[Push], list[Record]]
Reply = tuple[int, str, bytes]

_EMPTY: Final[Reply] = (200, "text/plain", b"")
_PARSERS: Final[dict[str, Parser]] = {
    Vendor.ZHIAN: zhian.parse,
    Vendor.HIKVISION: hikvision.parse,
    Vendor.ZIGBEE2MQTT: zigbee2mqtt.parse,
    Vendor.TASMOTA: tasmota.parse,
    Vendor.THINGSBOARD: thingsboard.parse,
    Vendor.CTWING: ctwing.parse,
    Vendor.IMPINJ: impinj.parse,
    Vendor.ZEBRA: zebra.parse,
}
_log = structlog.get_logger(__name__)


def parse(vendor: str, body: bytes, *, content_type: str, topic: str | None, timezone: ZoneInfo) -> list[Record]:
    """The records of one body, at least one.

    topic: the part of an MQTT topic after ``c/{compound}/d/{device}/`` (for Zhian's contract the message's kind),
        None over HTTP.
    timezone: the compound's, for times without an offset.
    """
    try:
        return parse_strictly(vendor, body, content_type=content_type, topic=topic, timezone=timezone)
    except Exception:  # noqa: BLE001 - a fault of a parser must not lose the message: it is quarantined with its bytes
        _log.exception("device_parser_failed", vendor=vendor, size=len(body))
        return [Rejection(Reason.UNPARSEABLE, "the parser failed on this message; it is kept for a corrected one")]


def parse_strictly(
    vendor: str, body: bytes, *, content_type: str, topic: str | None, timezone: ZoneInfo
) -> list[Record]:
    """As ``parse``, but a fault of a parser is raised: what tests call."""
    if vendor not in _PARSERS:
        return [Rejection(Reason.UNKNOWN_SOURCE, "no such vendor")]
    if len(body) > BODY_BYTES:
        return [Rejection(Reason.TOO_LARGE, f"more than {BODY_BYTES} bytes")]
    try:
        return _PARSERS[vendor](Push(body, content_type or "", topic or None, timezone))
    except Refused as refused:
        return [refused.rejection]


def reply(vendor: str, records: Sequence[Record]) -> Reply:
    """Status, content type and body that a device is answered over HTTP.

    It is the closed reply: it never opens a door or a barrier.
    """
    if vendor == Vendor.HIKVISION:
        return hikvision_reply(records)
    return _EMPTY
