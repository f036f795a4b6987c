"""Bodies of Zhian's contract: one message, an array of them, or one per line (NDJSON).

Every message stands alone: a bad one is rejected in its place and costs the others nothing. What the contract does
not name is dropped, so that newer firmware may say more.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from domain.security.devices.observation import Observation, Reason, Record, Rejection
from integrations.devices import json_text, pictures
from integrations.devices.limits import RECORDS
from integrations.devices.push import Push, Refused
from integrations.devices.zhian import values
from integrations.devices.zhian.kinds import KINDS, TAG, Kind, settle
from integrations.devices.zhian.values import Unfit

_LINES: Final = ("ndjson", "jsonl", "json-lines", "json-seq")
_READS_PER_MESSAGE: Final = 1000
_CORE: Final = frozenset({"id", "type", "at", "data"})
_serial = values.whole(0, 2**63 - 1)
_source = values.label(128)


def parse(push: Push) -> list[Record]:
    """The body's records in order; one message of tag reads gives one record per read."""
    body = json_text.as_utf8(push.body, push.content_type)
    records: list[Record] = []
    for message in _messages(body, push.content_type):
        if isinstance(message, Rejection):
            records.append(message)
            continue
        try:
            _read(message, push.topic, records)
        except Refused as refused:
            records.append(refused.rejection)
    return records or [Rejection(Reason.UNPARSEABLE, "an empty body")]


def _messages(body: bytes, content_type: str) -> list[Any]:
    """The messages of a body; a line that does not parse stands as its rejection."""
    kind = content_type.lower()
    if any(word in kind for word in _LINES):
        return _lines(body)
    try:
        value = json_text.load(body)
    except Refused:
        # Several lines under a plain JSON content type: only when the first line is a message by itself.
        first, _, rest = body.strip().partition(b"\n")
        if rest and first.rstrip().endswith(b"}") and first.startswith(b"{"):
            return _lines(body)
        raise
    messages = value if isinstance(value, list) else [value]
    if len(messages) > RECORDS:
        raise Refused(Reason.TOO_MANY, f"more than {RECORDS} messages")
    return messages


def _lines(body: bytes) -> list[Any]:
    lines = [line for line in body.split(b"\n") if line and not line.isspace()]
    if len(lines) > RECORDS:
        raise Refused(Reason.TOO_MANY, f"more than {RECORDS} messages")
    messages: list[Any] = []
    for line in lines:
        try:
            messages.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            messages.append(Rejection(Reason.UNPARSEABLE, f"not JSON: {error.msg} at character {error.pos}"))
    # Keys are compared over the whole body at once; line by line only when something is wrong somewhere.
    try:
        suspect = any(isinstance(message, Rejection) for message in messages) or json_text.repeats_key(body, messages)
    except orjson.JSONEncodeError:
        suspect = True
    return [_line(line) for line in lines] if suspect else messages


def _line(line: bytes) -> Any:
    try:
        return json_text.load(line)
    except Refused as refused:
        return refused.rejection


def _read(message: Any, topic: str | None, records: list[Record]) -> None:
    """Append the record or records of one message. Raises Refused."""
    if type(message) is not dict:
        raise Refused(Reason.BAD_VALUE, "a message is a JSON object")
    name = message.get("type")
    if topic:
        named = topic.partition("/")[0]
        if name is not None and name != named:
            raise Refused(Reason.BAD_VALUE, "type differs from the topic's")
        name = named
    if type(name) is not str or (name not in KINDS and name != "tag_read"):
        reason = Reason.MISSING_FIELD if name is None else Reason.UNKNOWN_MESSAGE
        raise Refused(reason, "type: one of " + ", ".join(sorted([*KINDS, "tag_read"])))
    key = message.get("id")
    if type(key) is not str or not 0 < len(key) <= 128 or not key.isascii() or not key.isprintable() or " " in key:
        missing = key is None
        raise Refused(
            Reason.MISSING_FIELD if missing else Reason.BAD_VALUE,
            "id: 1 to 128 printable ASCII characters, constant on retry",
        )
    data = message.get("data")
    if data is None:
        data = {}
    elif type(data) is not dict:
        raise Refused(Reason.BAD_VALUE, "data: an object")
    if name == "tag_read":
        _read_tags(message, key, data, records)
        return
    kind = KINDS[name]
    said = _said(kind, data)
    subject = settle(kind.event, said)
    records.append(_observation(kind, message, key, said, subject))


def _said(kind: Kind, data: dict[str, Any]) -> dict[str, Any]:
    """The attributes that the message gives, checked. Null says "not measured"."""
    said: dict[str, Any] = {}
    checks = kind.checks
    name = ""
    try:
        for name, value in data.items():
            check = checks.get(name)
            if check is not None and value is not None:
                said[name] = check(value)
    except Unfit as unfit:
        raise Refused(Reason.BAD_VALUE, f"data.{name}: {unfit}") from None
    for required in kind.required:
        if required not in said:
            raise Refused(Reason.MISSING_FIELD, f"data.{required}")
    if kind.any_of and kind.any_of.isdisjoint(said):
        raise Refused(Reason.MISSING_FIELD, "data: at least one of " + ", ".join(sorted(kind.any_of)))
    return said


def _observation(
    kind: Kind, message: dict[str, Any], key: str, said: dict[str, Any], subject: str | None
) -> Observation:
    """The observation of one message, with what stands around its data."""
    name = "at"
    try:
        at = message.get("at")
        occurred = None if at is None else values.moment(at)
        made = Observation(kind.event, key, occurred, said, subject=subject)
        if message.keys() <= _CORE:
            return made
        for name, setter in _AROUND.items():
            value = message.get(name)
            if value is not None:
                setter(made, value)
    except Unfit as unfit:
        raise Refused(Reason.BAD_VALUE, f"{name}: {unfit}") from None
    return made


def _set_late(made: Observation, value: object) -> None:
    made.late = values.flag(value)


def _set_source(made: Observation, value: object) -> None:
    made.source = _source(value)


def _set_serial(made: Observation, value: object) -> None:
    made.serial = _serial(value)


def _set_previous_serial(made: Observation, value: object) -> None:
    made.previous_serial = _serial(value)


def _set_pictures(made: Observation, value: object) -> None:
    if type(value) is not list or not all(type(one) is dict and type(one.get("content")) is str for one in value):
        raise Unfit('a list of {"label": text, "content": base64}')
    parts = ((str(one.get("label") or "picture"), pictures.from_base64(one["content"])) for one in value)
    made.pictures, dropped = pictures.keep(parts)
    made.attributes.update(dropped)


_AROUND: Final = {
    "late": _set_late,
    "source": _set_source,
    "seq": _set_serial,
    "previous_seq": _set_previous_serial,
    "pictures": _set_pictures,
}


def _read_tags(message: dict[str, Any], key: str, data: dict[str, Any], records: list[Record]) -> None:
    """One record per read of a tag; a bad read is rejected in its place."""
    reads = data.get("reads")
    if type(reads) is not list or not reads:
        raise Refused(Reason.BAD_VALUE if reads is not None else Reason.MISSING_FIELD, "data.reads: a list of reads")
    if len(reads) > _READS_PER_MESSAGE:
        raise Refused(Reason.TOO_MANY, f"data.reads: more than {_READS_PER_MESSAGE}")
    frame = _observation(TAG, message, key, {}, None)
    for index, read in enumerate(reads):
        if type(read) is not dict:
            records.append(Rejection(Reason.BAD_VALUE, f"data.reads[{index}]: an object"))
            continue
        try:
            said = _said(TAG, read)
        except Refused as refused:
            detail = refused.rejection.detail.replace("data", f"data.reads[{index}]", 1)
            records.append(Rejection(refused.rejection.reason, detail))
            continue
        tag = said.pop("tag")
        last = said.get("last_seen")
        records.append(
            Observation(
                TAG.event,
                f"{key}.{index}",
                values.moment(last) if last else frame.occurred_at,
                said,
                late=frame.late,
                source=frame.source,
                subject=tag,
                serial=frame.serial,
                previous_serial=frame.previous_serial,
            )
        )
