"""What is kept of a body: everything that a person may need to read it again, and no picture."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.devices.raw import LONGEST_VALUE, without_pictures

LONG = b"QUJD" * LONGEST_VALUE
JPEG = b"\xff\xd8\xff\xe0" + b"\x01" * 500


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"id":"a","data":{"x":"y"}}',
        b"<a><b>text</b></a>",
        b"not JSON, " * LONGEST_VALUE,
        b'{"a":' + b"1," * LONGEST_VALUE,
        b'{"id":"%b"}' % LONG[:LONGEST_VALUE],
        "中".encode() * 10,
    ],
)
def test_what_holds_no_picture_is_kept_to_the_byte(body: bytes) -> None:
    assert without_pictures(body, "application/json") == body


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"id":"a","picture":"%b","z":1}' % LONG, b'{"id":"a","picture":"(8192 bytes)","z":1}'),
        (b"<a><face>%b</face><n>1</n></a>" % LONG, b"<a><face>(8192 bytes)</face><n>1</n></a>"),
        (b'{"a":"%b","b":"%b"}' % (LONG, LONG), b'{"a":"(8192 bytes)","b":"(8192 bytes)"}'),
        (b'{"data":"%b' % LONG, b'{"data":"' + LONG),
        (JPEG, b"(a picture of 504 bytes)"),
    ],
)
def test_long_values_are_cut_out(body: bytes, kept: bytes) -> None:
    assert without_pictures(body, "") == kept


def test_parts_keep_their_text_and_lose_their_pictures() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="%b"\r\nContent-Type: %b\r\n\r\n%b\r\n'
    body = head % (b"event", b"application/json", b'{"a":1,"f":"%b"}' % LONG)
    body += head % (b"Picture", b"image/bmp", b"BM" + b"\x02" * 90) + head % (b"other", b"", JPEG) + b"--b--"

    for kind in ("multipart/form-data; boundary=b", "text/plain"):
        assert without_pictures(body, kind).splitlines() == [
            b"--event (application/json)",
            b'{"a":1,"f":"(8192 bytes)"}',
            b"--Picture (image/bmp)",
            b"(92 bytes)",
            b"--other ()",
            b"(504 bytes)",
        ]


@given(st.binary(max_size=200), st.sampled_from(["", "multipart/x; boundary=b", "application/json"]))
def test_nothing_raises_and_nothing_grows(body: bytes, kind: str) -> None:
    assert len(without_pictures(body, kind)) <= len(body) + 40
