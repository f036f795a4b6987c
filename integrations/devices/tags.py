"""Tags as readers send them: hexadecimal or base64url, one spelling per tag."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from domain.security.devices.spelling import spelt_tag
from integrations.devices.fields import number, text, whole


def from_hex(value: object) -> str | None:
    """Upper-case hexadecimal without separators; None when it is not a tag's id."""
    said = text(value)
    return None if said is None else spelt_tag(said)


def from_base64url(value: object) -> str | None:
    """The same of base64url, padded or not."""
    said = text(value)
    if said is None or not said.isascii():
        return None
    said = said.rstrip("=")
    try:
        return spelt_tag(base64.b64decode(said + "=" * (-len(said) % 4), altchars=b"-_", validate=True).hex())
    except (binascii.Error, ValueError):
        return None


def tag_id(read: dict[str, Any], tid: tuple[str, ...], epc: tuple[str, ...]) -> tuple[str | None, dict[str, Any]]:
    """The tag's id and the attributes that say which it is.

    The TID is burnt in by the maker, so it stands before the EPC, which anyone can write into another tag. Names
    that end in "Hex" or hold hexadecimal are given before their base64 form.
    """
    epc_found = next((found for name in epc if (found := _any(name, read))), None)
    for name in tid:
        found = _any(name, read)
        if found:
            return found, {"tag_kind": "uhf_tid", **({"epc": epc_found} if epc_found else {})}
    return epc_found, {"tag_kind": "uhf_epc"} if epc_found else {}


def _any(name: str, read: dict[str, Any]) -> str | None:
    if name.startswith("base64:"):
        return from_base64url(read.get(name.removeprefix("base64:")))
    return from_hex(read.get(name))


def antenna(value: object) -> int | None:
    """An antenna's number, 0 to 9999."""
    port = whole(value)
    return port if port is not None and 0 <= port <= 9999 else None


def strength(value: object, per_dbm: int = 1) -> float | None:
    """A received strength in dBm, or in fractions of one; None outside -200 to 50."""
    sent = number(value)
    if sent is None:
        return None
    dbm = sent / per_dbm
    return dbm if -200 <= dbm <= 50 else None
