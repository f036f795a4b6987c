"""Tolerant reading of one field of a vendor's message: what cannot be read as its type is None, never an error.

Vendors write numbers as text, booleans as 0 or "on", and leave out or blank what they did not measure.
"""

from __future__ import annotations

import math
from typing import Any, Final

from integrations.devices.limits import TEXT_CHARACTERS

_LARGEST: Final = 2**63 - 1
_TRUE: Final = frozenset({"true", "1", "on", "yes", "open", "alarm", "active"})
_FALSE: Final = frozenset({"false", "0", "off", "no", "close", "closed", "normal", "inactive"})


def text(value: object) -> str | None:
    """Stripped text of at most 256 characters, numbers as digits; None when blank. NUL is dropped."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) <= _LARGEST else None
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").strip()[:TEXT_CHARACTERS].strip() or None


def whole(value: object) -> int | None:
    """A whole number that fits 64 bits; decimal text counts."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        stripped = value.strip()
        if not (0 < len(stripped) <= 20 and stripped.isascii() and stripped.removeprefix("-").isdigit()):
            return None
        value = int(stripped)
    return value if isinstance(value, int) and abs(value) <= _LARGEST else None


def number(value: object) -> float | None:
    """A finite number; decimal text counts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 32 or "_" in value):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def truth(value: object) -> bool | None:
    """A boolean, however spelt: true, 1, "on", "OPEN" ..."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def child(node: object, name: str) -> dict[str, Any]:
    """The object under ``name``; empty when there is none. The first, when the vendor repeats it."""
    value = node.get(name) if isinstance(node, dict) else None
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else {}


def children(node: object, name: str) -> list[dict[str, Any]]:
    """The objects under ``name``, whether it holds one or a list."""
    value = node.get(name) if isinstance(node, dict) else None
    many = value if isinstance(value, list) else [value]
    return [one for one in many if isinstance(one, dict)]


def measured(**values: object) -> dict[str, Any]:
    """Attributes without those that are None: what was not measured is absent."""
    return {name: value for name, value in values.items() if value is not None}
