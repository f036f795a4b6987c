"""Licence plates: one spelling per plate; what was not read is None, so that it never matches a list."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from integrations.devices.fields import text

_SEPARATORS: Final = re.compile(r"[\s.·•‧∙⋅・。．﹒]+")
_PLATE: Final = re.compile(r"[0-9A-Z\u4e00-\u9fff-]{2,16}")
_ENCRYPTED: Final = re.compile(r"[0-9A-Za-z+/_-]{20,}={0,2}")
_NOT_READ: Final = frozenset(
    {"无", "无牌", "无牌车", "无车牌", "未识别", "未知", "车牌", "UNKNOWN", "NOPLATE", "NONE", "NULL", "-", "--"}
)


@dataclass(frozen=True, slots=True)
class Plate:
    """``number``: the normalised plate or None. ``raw``: as sent. ``encrypted``: the sender hides it."""

    number: str | None
    raw: str | None
    encrypted: bool = False

    def attributes(self) -> dict[str, Any]:
        """The attributes of a plate_read that say which plate it was."""
        said: dict[str, Any] = {"plate": self.number}
        if self.raw is not None:
            said["plate_raw"] = self.raw
        if self.encrypted:
            said["plate_encrypted"] = True
        return said


def plate(value: object) -> Plate:
    """Upper-case, without spaces, dots and middle dots. New-energy plates have eight characters; foreign ones any."""
    raw = text(value)
    if raw is None:
        return Plate(None, None)
    number = _SEPARATORS.sub("", unicodedata.normalize("NFKC", raw)).upper()
    if number.strip("_") in _NOT_READ:
        return Plate(None, raw)
    if _PLATE.fullmatch(number):
        return Plate(number, raw)
    return Plate(None, raw, encrypted=_ENCRYPTED.fullmatch(raw) is not None)
