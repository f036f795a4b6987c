"""The worker's own code, in this process: framing and re-encoding."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest

from integrations.vision.worker import make_recoder, serve


@pytest.fixture(scope="module")
def recode():
    return make_recoder(50_000_000, 200, 85)


def jpeg(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()


def size_of(answer: bytes) -> tuple[int, int]:
    height, width = cv2.imdecode(np.frombuffer(answer, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    return width, height


@pytest.mark.parametrize(
    ("sent", "kept"), [((150, 80), (150, 80)), ((300, 30), (200, 20)), ((600, 400), (200, 133)), ((40, 2000), (4, 200))]
)
def test_the_longest_edge_is_limited(recode, sent, kept):
    assert size_of(recode(jpeg(*sent), max(sent))) == kept


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff garbage", bytes(1000)])
def test_what_cannot_be_decoded_has_an_empty_answer(recode, content):
    assert recode(content, 10) == b""


def test_frames_are_answered_in_order(recode):
    picture = (300).to_bytes(4) + jpeg(300, 30)
    source = io.BytesIO(len(picture).to_bytes(4) + picture + (6).to_bytes(4) + b"\x00\x00\x00\x0axx")
    sink = io.BytesIO()
    serve(recode, source, sink)
    sink.seek(0)
    answers = []
    while head := sink.read(4):
        answers.append(sink.read(int.from_bytes(head)))
    assert answers[0] == b"ready"
    assert size_of(answers[1]) == (200, 20)
    assert answers[2:] == [b""]
