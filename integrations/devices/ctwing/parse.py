"""CTWing's dataReport pushes: profile JSON, a service with its data, or either inside base64."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

from domain.security.devices.observation import EventKind, Reason, Record
from integrations.devices import json_text
from integrations.devices.ctwing.products import PRODUCTS, Product
from integrations.devices.fields import child, number, text, whole
from integrations.devices.instants import epoch, stamp
from integrations.devices.push import Push, Refused
from integrations.devices.sensing import Reading, observe, read

_NO_PRODUCT: Final = Product()
_STATUS: Final = "Alarm_Status"


def parse(push: Push, products: Mapping[str, Product] = PRODUCTS) -> list[Record]:
    """The record of one push. Raises Refused on other messages than dataReport and on binary frames."""
    value = json_text.load(json_text.as_utf8(push.body, push.content_type))
    if not isinstance(value, dict):
        raise Refused(Reason.UNKNOWN_MESSAGE, "a push is a JSON object")
    kind = text(value.get("messageType"))
    if kind != "dataReport":
        raise Refused(Reason.UNKNOWN_MESSAGE if kind else Reason.MISSING_FIELD, "messageType: dataReport")
    device = text(value.get("deviceId")) or masked(value.get("IMEI"))
    if device is None:
        raise Refused(Reason.MISSING_FIELD, "deviceId")
    payload = _payload(value)
    product = products.get(text(value.get("productId")) or "", _NO_PRODUCT)
    reading = _reading(payload, product)
    occurred_at = epoch(value.get("timestamp"))
    digest = hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    observation = observe(
        reading, source=device, occurred_at=occurred_at, key=f"ctwing.{device}.{stamp(occurred_at)}.{digest}"
    )
    status = whole(payload.get(_STATUS))
    if status is not None:
        observation.kind = EventKind.SENSOR
        observation.attributes["alarm_status"] = status
        if status not in product.alarms.get(_STATUS, {}):
            observation.attributes["alarm_unmapped"] = True
    imei = masked(value.get("IMEI") or payload.get("IMEI"))
    if imei:
        observation.attributes["imei"] = imei
    return [observation]


def masked(imei: object) -> str | None:
    """An IMEI with its last four digits only: in full it identifies the device, and through it a home."""
    said = text(imei)
    return "*" * (len(said) - 4) + said[-4:] if said and said.isdigit() and len(said) > 4 else None


def _payload(value: dict[str, Any]) -> dict[str, Any]:
    """What the sensor reported, out of its wrappings."""
    payload = child(value, "payload")
    encoded = payload.get("APPdata")
    if isinstance(encoded, str):
        try:
            inside = orjson.loads(binascii.a2b_base64(encoded.encode("ascii", "replace"), strict_mode=True))
        except (binascii.Error, orjson.JSONDecodeError) as error:
            raise Refused(Reason.UNKNOWN_MESSAGE, "APPdata: a binary frame of a product we do not know") from error
        payload = inside if isinstance(inside, dict) else {}
    payload = child(payload, "serviceData") or payload
    if not payload:
        raise Refused(Reason.MISSING_FIELD, "payload: what the sensor reported")
    return payload


def _reading(payload: dict[str, Any], product: Product) -> Reading:
    reading = read(payload)
    for name, ours in product.fields.items():
        measured = number(payload.get(name))
        if measured is not None:
            reading.measures[ours] = measured
    power = number(payload.get("RSRP"))
    if power:
        reading.measures["signal_dbm"] = -abs(power)  # sent without its sign
    for name, codes in product.alarms.items():
        code = whole(payload.get(name))
        if code is not None:
            reading.switches.update(codes.get(code, {}))
    return reading
