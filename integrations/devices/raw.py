"""What of a body is kept as its raw message: everything but pictures and the like, which are kept elsewhere or not."""

from __future__ import annotations

import re
from typing import Final

from integrations.devices.multipart import IMAGE_MAGIC, Part, is_multipart, parts_of

LONGEST_VALUE: Final = 2048
_VALUE: Final = re.compile(rb'(?<=["<>])[^"<>]++(?=["<>])')


def without_pictures(body: bytes, content_type: str) -> bytes:
    """The body without what no reader of it needs: binary parts, and values too long to be anything but a picture.

    A body that could not be understood is cut alike: a device's pictures are never kept by accident.
    """
    if body.startswith(IMAGE_MAGIC):
        return b"(a picture of %d bytes)" % len(body)
    if is_multipart(body, content_type):
        return b"\n".join(_written(part) for part in parts_of(body, content_type)) or _without_long_values(body)
    return _without_long_values(body)


def _written(part: Part) -> bytes:
    head = f"--{part.name} ({part.content_type})\n".encode()
    if part.content.startswith(IMAGE_MAGIC) or part.content_type.lower().startswith(("image/", "video/", "audio/")):
        return head + b"(%d bytes)" % len(part.content)
    return head + _without_long_values(part.content)


def _without_long_values(text: bytes) -> bytes:
    """JSON or XML with its long values (base64 pictures, face models) cut out."""
    if len(text) <= LONGEST_VALUE or max(map(len, text.split(b'"'))) <= LONGEST_VALUE:
        return text
    return _VALUE.sub(_short, text)


def _short(value: re.Match[bytes]) -> bytes:
    length = value.end() - value.start()
    return value[0] if length <= LONGEST_VALUE else b"(%d bytes)" % length
