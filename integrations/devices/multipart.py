"""Multipart bodies as devices write them: stray semicolons, missing lengths, bare line feeds, cut ends.

A part's own Content-Length is believed when a delimiter stands at its end, because a picture may contain the
delimiter's bytes; otherwise the part ends at the next delimiter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from domain.security.devices.observation import Reason
from integrations.devices.limits import PARTS
from integrations.devices.push import Refused

_BOUNDARY: Final = re.compile(r"boundary\s*=\s*(?:\"([^\"]{1,100})\"|([^\s;,\"]{1,100}))", re.IGNORECASE)
_OPENING: Final = re.compile(rb"\s*--([^\r\n]{1,100}?)[ \t]*\r?\n")
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_NAME: Final = re.compile(r"[;\s]name\s*=\s*(?:\"([^\"]*)\"|([^\s;\"]+))", re.IGNORECASE)
_FILENAME: Final = re.compile(r"[;\s]filename\s*=\s*(?:\"([^\"]*)\"|([^\s;\"]+))", re.IGNORECASE)
_HEADER_BYTES: Final = 4096
IMAGE_MAGIC: Final = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")


@dataclass(frozen=True, slots=True)
class Part:
    """``name``: the form field's, or the file's when it has none. ``whole``: its end was seen."""

    name: str
    content_type: str
    content: bytes
    whole: bool = True


def is_multipart(body: bytes, content_type: str) -> bool:
    """Whether the body is in parts: by its content type, or by its first bytes when the type says nothing of use."""
    return content_type.lower().lstrip().startswith("multipart/") or body[:2] == b"--"


def split(body: bytes, content_type: str) -> list[Part]:
    """The parts in order. Raises Refused when there is no part or more than sixteen."""
    parts = list(islice(_parts(body, _boundary(body, content_type)), PARTS + 1))
    if len(parts) > PARTS:
        raise Refused(Reason.TOO_MANY, f"more than {PARTS} parts")
    if not parts:
        raise Refused(Reason.UNPARSEABLE, "multipart without a part")
    return parts


def parts_of(body: bytes, content_type: str) -> list[Part]:
    """The first sixteen parts of a body that need not be whole or within the limits; none when it has no boundary."""
    try:
        return list(islice(_parts(body, _boundary(body, content_type)), PARTS))
    except Refused:
        return []


def _parts(body: bytes, boundary: bytes) -> Iterator[Part]:
    delimiter = b"--" + boundary
    position = body.find(delimiter)
    while position >= 0:
        position += len(delimiter)
        if body[position : position + 2] == b"--":
            break
        part, position = _part(body, position, delimiter)
        if part is not None:
            yield part


def _boundary(body: bytes, content_type: str) -> bytes:
    """The boundary of the header when the body uses it, else that of the body's first line."""
    named = _BOUNDARY.search(content_type)
    if named:
        boundary = (named[1] or named[2]).encode("latin-1", "replace")
        if b"--" + boundary in body:
            return boundary
    opening = _OPENING.match(body[:200])
    if opening is None:
        raise Refused(Reason.UNPARSEABLE, "multipart without its boundary")
    return opening[1]


def _part(body: bytes, start: int, delimiter: bytes) -> tuple[Part | None, int]:
    """The part whose headers begin at ``start``, and where the next delimiter begins (-1: nowhere)."""
    blank = _BLANK_LINE.search(body, start, start + _HEADER_BYTES)
    if blank is None:
        return None, body.find(b"\n" + delimiter, start) + 1 or -1
    headers = _headers(body[start : blank.start()])
    disposition = ";" + headers.get("content-disposition", "")
    named = _NAME.search(disposition) or _FILENAME.search(disposition)
    name = (named[1] or named[2] or "") if named else ""
    kind = headers.get("content-type", "")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and len(length) <= 9:
        end = blank.end() + int(length)
        for line_end in (b"\r\n", b"\n"):
            if body.startswith(line_end + delimiter, end):
                return Part(name, kind, body[blank.end() : end]), end + len(line_end)
    end = body.find(b"\n" + delimiter, blank.end() - 1)
    if end < 0:
        return Part(name, kind, body[blank.end() :], whole=False), -1
    content = body[blank.end() : max(end, blank.end())]
    return Part(name, kind, content.removesuffix(b"\r")), end + 1


def _headers(block: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.decode("utf-8", "replace").splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
