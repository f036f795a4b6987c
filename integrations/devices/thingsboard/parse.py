"""Telemetry as devices and gateways send it to ThingsBoard."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from domain.security.devices.observation import Reason, Record
from integrations.devices import json_text
from integrations.devices.fields import text
from integrations.devices.instants import epoch, stamp
from integrations.devices.limits import RECORDS
from integrations.devices.push import Push, Refused
from integrations.devices.sensing import observe, presence, read
from integrations.devices.thingsboard import relaxed


def parse(push: Push) -> list[Record]:
    """The records of one body, one per set of values. Raises Refused on what is not telemetry."""
    topic = push.topic or ""
    value = relaxed.load(json_text.as_utf8(push.body, push.content_type))
    if topic.endswith(("gateway/connect", "gateway/disconnect")):
        source = text(value.get("device")) if isinstance(value, dict) else None
        if source is None:
            raise Refused(Reason.MISSING_FIELD, "device: the name of the device behind the gateway")
        return [presence(topic.endswith("gateway/connect"), source=source)]
    if topic.endswith(("/attributes", "/claim")) or "/rpc/" in topic or "/attributes/" in topic:
        raise Refused(Reason.UNKNOWN_MESSAGE, "attributes, claims and calls are not telemetry")
    if isinstance(value, dict) and value and (topic.endswith("gateway/telemetry") or _is_gateway(value)):
        sets = [
            (text(name), one) for name, many in value.items() for one in (many if isinstance(many, list) else [many])
        ]
    else:
        sets = [(None, one) for one in (value if isinstance(value, list) else [value])]
    if not sets or len(sets) > RECORDS:
        raise Refused(Reason.TOO_MANY if sets else Reason.MISSING_FIELD, f"1 to {RECORDS} sets of values")
    records: list[Record] = []
    for source, one in sets:
        try:
            records.append(_record(one, source))
        except Refused as refused:
            records.append(refused.rejection)
    return records


def _is_gateway(value: dict[str, Any]) -> bool:
    """Whether every member is a list of sets of values, as only a gateway's telemetry has it."""
    return all(isinstance(many, list) and all(isinstance(one, dict) for one in many) for many in value.values())


def _record(one: Any, source: str | None) -> Record:
    """The event of one set; with its time it is a record of its own, without time it is edge-detected."""
    if not isinstance(one, dict) or not one:
        raise Refused(Reason.BAD_VALUE, "a set of values is an object with members")
    values: Any = one
    occurred_at = None
    if "ts" in one:
        values, occurred_at = one.get("values"), epoch(one["ts"])
        if not isinstance(values, dict) or occurred_at is None:
            raise Refused(Reason.BAD_VALUE, 'a set with time is {"ts": milliseconds since 1970, "values": {...}}')
    key = None
    if occurred_at is not None:
        digest = hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        key = f"telemetry.{source or '-'}.{stamp(occurred_at)}.{digest}"
    return observe(read(values), source=source, occurred_at=occurred_at, key=key)
