"""Licence plates: one spelling per plate; what was not read is None, so that it never matches a list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from domain.security.devices.spelling import spelt_plate
from integrations.devices.fields import text

_ENCRYPTED: Final = re.compile(r"[0-9A-Za-z+/_-]{20,}={0,2}")


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
    """The plate that was read, in its one spelling; what hides it is told from what is none."""
    raw = text(value)
    if raw is None:
        return Plate(None, None)
    number = spelt_plate(raw)
    return Plate(number, raw, encrypted=number is None and _ENCRYPTED.fullmatch(raw) is not None)
