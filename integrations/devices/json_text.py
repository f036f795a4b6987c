"""JSON bodies: strict, in the encodings devices use, and without duplicate keys.

Of two equal keys a parser silently keeps one, and two parsers may keep different ones: such a body is unparseable.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import orjson

from domain.security.devices.observation import Reason
from integrations.devices.push import Refused

_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_ENCODINGS: Final = {
    "utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030",
}  # fmt: skip
_BYTE_ORDER_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# What makes counting '":' unreliable: a blank before the colon, an escaped quote by its code.
_UNUSUAL: Final = (b" :", b"\t:", b"\n:", b"\r:", b"\\u")


def as_utf8(body: bytes, content_type: str = "") -> bytes:
    """The body in UTF-8 without byte order mark. Raises Refused when it is not in the encoding it claims."""
    encoding = None
    for mark, name in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            body, encoding = body[len(mark) :], name
            break
    else:
        named = _CHARSET.search(content_type)
        encoding = _ENCODINGS.get(named[1].lower()) if named else None
    if encoding is None or encoding == "utf-8":
        return body
    try:
        return body.decode(encoding).encode()
    except UnicodeError as error:
        raise Refused(Reason.UNPARSEABLE, f"not {encoding} text") from error


def load(body: bytes) -> Any:
    """The JSON value of UTF-8 text. Raises Refused on anything that is not exactly one."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(Reason.UNPARSEABLE, f"not JSON: {error.msg} at character {error.pos}") from error
    try:
        repeated = repeats_key(body, value)
    except orjson.JSONEncodeError as error:
        raise Refused(Reason.UNPARSEABLE, "JSON nested more than 254 levels") from error
    if repeated:
        raise Refused(Reason.UNPARSEABLE, "not JSON: a key occurs twice in one object")
    return value


def repeats_key(body: bytes, value: object) -> bool:
    """Whether an object in ``body``, which parsed to ``value``, has a key twice.

    Raises orjson.JSONEncodeError beyond 254 levels. A dropped pair leaves fewer '":' in the value written back than
    in the body; only bodies where that count can mislead are read a second time, slowly.
    """
    if body.count(b'":') == orjson.dumps(value).count(b'":') and not any(mark in body for mark in _UNUSUAL):
        return False
    repeated = False

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        made = dict(found)
        repeated = repeated or len(made) != len(found)
        return made

    try:
        json.loads(body, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return True
    return repeated
