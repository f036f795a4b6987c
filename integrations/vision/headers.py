"""A picture's format, size and completeness from its bytes alone: nothing is decoded, so nothing can blow up.

JPEG: ITU-T T.81 annex B; PNG: W3C PNG 5; WebP: RFC 9649.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_SCAN: Final = 0xDA


@dataclass(frozen=True, slots=True)
class Header:
    """``format``: "jpeg", "png" or "webp". ``complete``: it reaches its own end; what follows that does not matter."""

    format: str
    width: int
    height: int
    complete: bool


def read_header(content: bytes) -> Header | None:
    """Read a picture's header; None when it is none of the three formats or its header is broken."""
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _webp(content)
    return None


def _jpeg(content: bytes) -> Header | None:
    at = 2
    size: tuple[int, int] | None = None
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _START_OF_SCAN:
            if size is None:
                return None
            # in the scan's data 0xFF is always stuffed, so this can only be the end of the image
            return Header("jpeg", *size, complete=content.find(b"\xff\xd9", at) >= 0)
        if marker in _FRAMES:
            if size is not None or at + 9 > len(content):
                return None
            size = int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4]))
    return None if size is None else Header("jpeg", *size, complete=False)


def _png(content: bytes) -> Header | None:
    if content[8:16] != b"\x00\x00\x00\rIHDR" or len(content) < 33:
        return None
    size = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    at = 8
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return Header("png", *size, complete=at <= len(content))
    return Header("png", *size, complete=False)


def _webp(content: bytes) -> Header | None:
    kind, data = content[12:16], content[20:30]
    complete = 8 + int.from_bytes(content[4:8], "little") <= len(content)
    if len(data) < 10:
        return None
    if kind == b"VP8X":
        size = int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    elif kind == b"VP8L" and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        size = int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
    else:
        return None
    return Header("webp", *size, complete=complete)
