"""Reading a picture's header never decodes it and never fails."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.vision.headers import Header, read_header

PIXELS = np.random.default_rng(4).integers(0, 255, (45, 70, 3), dtype=np.uint8)


def encoded(suffix: str, *options: int) -> bytes:
    done, content = cv2.imencode(suffix, PIXELS, options)
    assert done
    return content.tobytes()


CASES = {
    "jpeg": encoded(".jpg"),
    "progressive": encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "png": encoded(".png"),
    "webp lossy": encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 60),
    "webp lossless": encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
}


@pytest.mark.parametrize("name", CASES)
def test_format_and_size_are_read(name):
    assert read_header(CASES[name]) == Header(name.split()[0].replace("progressive", "jpeg"), 70, 45, complete=True)


@pytest.mark.parametrize("name", CASES)
def test_a_tail_does_not_matter(name):
    assert read_header(CASES[name] + b"PK\x03\x04 a tail") == read_header(CASES[name])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_a_cut_off_picture_is_not_complete(name, share):
    header = read_header(CASES[name][: int(len(CASES[name]) * share)])
    assert header is None or header.complete is False


def test_an_extended_webp_tells_its_canvas():
    body = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + (69).to_bytes(3, "little") + (44).to_bytes(3, "little")
    content = b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body
    assert read_header(content) == Header("webp", 70, 45, complete=True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(100),
        b"II*\x00" + bytes(100),
        b"\x00\x00\x00\x1cftypavif" + bytes(100),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xda" + bytes(100),
        b"\xff\xd8\xff\xc0\x00\x11",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"RIFF\x00\x00\x00\x00WEBPVP9 " + bytes(100),
        b"RIFF\x00\x00\x00\x00WEBP",
    ],
)
def test_other_formats_and_broken_headers_are_none(content):
    assert read_header(content) is None


def test_a_jpeg_with_two_frame_headers_is_refused():
    jpeg = CASES["jpeg"]
    at = jpeg.index(b"\xff\xc0")
    assert read_header(jpeg[:at] + jpeg[at : at + 19] + jpeg[at:]) is None


@given(st.sampled_from([b"", *(content[:40] for content in CASES.values())]), st.binary(max_size=400))
def test_any_bytes_give_a_header_or_none(start, rest):
    header = read_header(start + rest)
    assert header is None or (header.width >= 0 and header.height >= 0)


@given(st.sampled_from(sorted(CASES)), st.integers(0, 4000), st.integers(0, 255))
def test_a_changed_byte_never_breaks_the_reader(name, at, value):
    content = bytearray(CASES[name])
    content[at % len(content)] = value
    read_header(bytes(content))
