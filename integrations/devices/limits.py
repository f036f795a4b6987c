"""Caps on what a device may send; docs/devices.md names them."""

from __future__ import annotations

from typing import Final

BODY_BYTES: Final = 10 * 1024 * 1024
BODY_SECONDS: Final = 60.0
PUSHES_AT_ONCE: Final = 16
PARTS: Final = 16
RECORDS: Final = 10_000
PICTURES: Final = 5
PICTURE_BYTES: Final = 2 * 1024 * 1024
XML_DEPTH: Final = 32
XML_ELEMENTS: Final = 20_000
TEXT_CHARACTERS: Final = 256
