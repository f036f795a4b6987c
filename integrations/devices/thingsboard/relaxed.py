"""The relaxed flat JSON that ThingsBoard devices send: ``{temperature:25, 'smoke':true}``."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from domain.security.devices.observation import Reason
from integrations.devices import json_text
from integrations.devices.push import Refused

_PAIR: Final = re.compile(
    r"""\s*(?:"([^"\\]{1,64})"|'([^'\\]{1,64})'|([A-Za-z_][\w.-]{0,63}))\s*:"""
    r"""\s*(?:"([^"\\]*)"|'([^'\\]*)'|(-?\d[\d.eE+-]{0,30}|true|false|null))\s*"""
)


def load(body: bytes) -> Any:
    """The JSON value, strict if it is, else one flat object with bare or single-quoted names. Raises Refused."""
    try:
        return json_text.load(body)
    except Refused:
        if not body.lstrip().startswith(b"{"):
            raise
        flat = _flat(body)
        if flat is None:
            raise
        return flat


def _flat(body: bytes) -> dict[str, Any] | None:
    try:
        inside = body.decode().strip()
    except UnicodeError:
        return None
    if len(inside) < 2 or inside[-1] != "}":
        return None
    found: dict[str, Any] = {}
    position, end = 1, len(inside) - 1
    while position < end:
        pair = _PAIR.match(inside, position, end)
        if pair is None:
            return None
        name = pair[1] or pair[2] or pair[3]
        if name in found:
            raise Refused(Reason.UNPARSEABLE, "not JSON: a key occurs twice in one object")
        quoted = pair[4] if pair[4] is not None else pair[5]
        try:
            found[name] = quoted if quoted is not None else orjson.loads(pair[6])
        except orjson.JSONDecodeError:
            return None
        position = pair.end()
        if position < end:
            if inside[position] != ",":
                return None
            position += 1
    return found or None
