"""Pictures as devices send them: raw or base64, sometimes twice, and capped. Decoding happens elsewhere."""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from typing import Any

from domain.security.devices.observation import PicturePart
from integrations.devices.limits import PICTURE_BYTES, PICTURES


def format_of(content: bytes) -> str | None:
    """ "jpeg", "png" or "webp" by the first bytes; None for anything else, whatever it is called."""
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return None


def from_base64(value: object) -> bytes | None:
    """The picture in base64 text, through a data URI and a second encoding when there are any; None if it is none."""
    if not isinstance(value, str):
        return None
    encoded = value.encode("ascii", "replace")
    for _ in range(2):
        if encoded[:5] == b"data:":
            encoded = encoded.partition(b",")[2]
        if len(encoded) > 2 * PICTURE_BYTES * 2:
            return None
        encoded = encoded.translate(None, b" \t\r\n=")
        try:
            content = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
        except binascii.Error:
            return None
        if format_of(content):
            return content
        encoded = content.strip()
    return None


def keep(candidates: Iterable[tuple[str, bytes | None]]) -> tuple[tuple[PicturePart, ...], dict[str, Any]]:
    """The pictures that are within the caps, and ``pictures_dropped`` when some were not."""
    kept: list[PicturePart] = []
    dropped = 0
    for label, content in candidates:
        if content and len(kept) < PICTURES and len(content) <= PICTURE_BYTES and format_of(content):
            kept.append(PicturePart(label.replace("\x00", "")[:64], content))
        else:
            dropped += 1
    return tuple(kept), ({"pictures_dropped": dropped} if dropped else {})
