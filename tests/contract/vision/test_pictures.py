"""The picture store with its real worker processes: what is kept, what is refused, and what a bad picture costs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import stat
import struct
import time
import zlib
from dataclasses import replace

import cv2
import numpy as np
import psutil
import pytest

from domain.kernel.errors import Unavailable
from domain.kernel.pictures import PictureRefused, PictureStore
from integrations.vision import decoder
from integrations.vision.decoder import Budget
from integrations.vision.pictures import LocalPictures
from tests.factories.patience import PATIENCE

PATIENT = Budget(seconds=PATIENCE)
SCENE = cv2.GaussianBlur(np.random.default_rng(4).integers(0, 255, (240, 320, 3), dtype=np.uint8), (0, 0), 4)


def encoded(suffix: str, pixels: np.ndarray = SCENE, *options: int) -> bytes:
    done, content = cv2.imencode(suffix, pixels, options)
    assert done
    return content.tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def flat_png(width: int, height: int) -> bytes:
    """A grey PNG of any size in a few bytes: the bomb."""
    squeeze = zlib.compressobj(9)
    row = bytes(1 + width)
    data = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def with_exif(jpeg: bytes, *, orientation: int) -> bytes:
    """Put an EXIF block with an orientation and a GPS position after the start of image."""
    gps = struct.pack("<H", 1) + struct.pack("<HHI4s", 1, 2, 2, b"N\0\0\0") + bytes(4)
    ifd = struct.pack("<H", 2) + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    ifd += struct.pack("<HHII", 0x8825, 4, 1, 8 + 2 + 24 + 4) + bytes(4)
    data = b"Exif\0\0II*\0\x08\0\0\0" + ifd + gps + b"GPS-CANARY"
    return jpeg[:2] + b"\xff\xe1" + (len(data) + 2).to_bytes(2) + data + jpeg[2:]


@pytest.fixture
async def pictures(tmp_path):
    store = LocalPictures(tmp_path / "pictures", processes=1, budget=PATIENT)
    yield store
    await store.close()


async def refusal(store: PictureStore, content: bytes) -> str:
    with pytest.raises(PictureRefused) as refused:
        await store.admit(content)
    return refused.value.reason


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
async def test_a_picture_is_kept_re_encoded_by_the_hash_of_its_bytes(pictures, tmp_path, suffix):
    kept = await pictures.admit(encoded(suffix))
    path = tmp_path / "pictures" / kept.sha256[:2] / kept.sha256[2:4] / f"{kept.sha256}.jpg"
    content = path.read_bytes()
    assert pictures.path(kept.sha256) == path
    assert (kept.width, kept.height, kept.size) == (320, 240, len(content))
    assert hashlib.sha256(content).hexdigest() == kept.sha256
    assert content.startswith(b"\xff\xd8\xff")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    difference = cv2.absdiff(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), SCENE)
    assert float(difference.mean()) < 3


async def test_the_same_picture_is_one_file(pictures, tmp_path):
    first, second = await pictures.admit(encoded(".jpg")), await pictures.admit(encoded(".jpg"))
    assert first == second
    assert len([path for path in (tmp_path / "pictures").rglob("*") if path.is_file()]) == 1


async def test_a_large_picture_is_scaled_down(pictures):
    kept = await pictures.admit(encoded(".jpg", cv2.resize(SCENE, (6000, 4000)), cv2.IMWRITE_JPEG_QUALITY, 30))
    assert (kept.width, kept.height) == (1920, 1280)


async def test_a_bomb_is_refused_at_once_by_its_header(pictures):
    bomb = flat_png(20_000, 20_000)
    assert await refusal(pictures, bomb) == "dimensions"
    assert pictures._decoder.pids == []  # nothing was unpacked


async def test_a_bomb_within_the_pixel_limit_is_scaled(pictures):
    kept = await pictures.admit(flat_png(9_000, 5_000))
    assert (kept.width, kept.height) == (1920, 1067)


async def test_a_header_that_lies_about_its_size_is_refused(pictures):
    honest = flat_png(9_000, 9_000)
    lying = bytearray(honest)
    lying[16:24] = struct.pack(">II", 9_000, 90)
    lying[29:33] = zlib.crc32(bytes(lying[12:29])).to_bytes(4)
    assert await refusal(pictures, honest) == "dimensions"
    kept = await pictures.admit(bytes(lying))  # the decoder goes by the header too: the rest is never unpacked
    assert (kept.width, kept.height) == (1920, 19)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (random.Random(4).randbytes(5000), "format"),
        (b"\xff\xd8\xff" + random.Random(4).randbytes(5000), "format"),
        (encoded(".jpg")[:-2], "damaged"),
        (encoded(".jpg")[:3000], "damaged"),
        (encoded(".png")[:-20], "damaged"),
        (encoded(".webp")[:-20], "damaged"),
        (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)) + chunk(b"IEND", b""),
            "damaged",
        ),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IEND", b""), "dimensions"),
        (encoded(".tiff"), "format"),
        (encoded(".gif"), "format"),
        (encoded(".bmp"), "format"),
        (encoded(".jp2"), "format"),
        (encoded(".avif"), "format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format"),
        (encoded(".jpg") + bytes(2 * 1024 * 1024), "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_is_not_a_whole_picture_of_the_three_formats_is_refused(pictures, tmp_path, content, reason):
    assert await refusal(pictures, content) == reason
    assert not (tmp_path / "pictures").exists()


async def test_exif_is_applied_and_removed(pictures):
    jpeg = with_exif(encoded(".jpg"), orientation=6)
    assert b"GPS-CANARY" in jpeg
    kept = await pictures.admit(jpeg)
    content = pictures.path(kept.sha256).read_bytes()
    assert (kept.width, kept.height) == (240, 320)
    assert b"Exif" not in content
    assert b"GPS-CANARY" not in content


async def test_a_tail_is_removed(pictures):
    tail = b"PK\x03\x04<script>alert(1)</script>"
    kept = await pictures.admit(encoded(".jpg") + tail)
    content = pictures.path(kept.sha256).read_bytes()
    assert content.endswith(b"\xff\xd9")
    assert b"script" not in content
    assert kept == await pictures.admit(encoded(".jpg"))


async def test_a_killed_worker_is_replaced(pictures):
    kept = await pictures.admit(encoded(".jpg"))
    (pid,) = pictures._decoder.pids
    os.kill(pid, signal.SIGKILL)
    assert await pictures.admit(encoded(".png")) is not None
    assert await pictures.admit(encoded(".jpg")) == kept
    assert pid not in pictures._decoder.pids
    assert len(pictures._decoder.pids) == 1


async def test_a_late_picture_is_refused_and_its_worker_killed(tmp_path, monkeypatch):
    store = LocalPictures(tmp_path, processes=1, budget=PATIENT)
    try:
        await store.admit(encoded(".jpg"))
        (pid,) = store._decoder.pids
        os.kill(pid, signal.SIGSTOP)
        with monkeypatch.context() as hurried:
            hurried.setattr(store._decoder, "_budget", Budget(seconds=0.2))
            assert await refusal(store, encoded(".png")) == "deadline"
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert (await store.admit(encoded(".jpg"))).width == 320
    finally:
        await store.close()


async def test_a_picture_that_takes_the_worker_down_is_refused_alone(tmp_path, monkeypatch):
    script = tmp_path / "worker.py"
    script.write_text(
        "import os, sys\n"
        "i, o = sys.stdin.buffer, sys.stdout.buffer\n"
        "o.write((5).to_bytes(4) + b'ready'); o.flush()\n"
        "while head := i.read(4):\n"
        "    frame = i.read(int.from_bytes(head))\n"
        "    if b'bad' in frame: os.abort()\n"
        "    o.write((len(frame) - 4).to_bytes(4) + frame[4:]); o.flush()\n"
    )
    monkeypatch.setattr(decoder, "_WORKER", script)
    store = LocalPictures(tmp_path / "pictures", processes=2, budget=PATIENT)
    good, bad = encoded(".jpg"), encoded(".jpg") + b"bad"
    try:
        outcomes = await asyncio.gather(*(store.admit(p) for p in (good, bad, good, good)), return_exceptions=True)
    finally:
        await store.close()
    assert [getattr(outcome, "reason", "kept") for outcome in outcomes] == ["kept", "crashed", "kept", "kept"]


async def test_memory_is_limited(tmp_path):
    store = LocalPictures(tmp_path, processes=1, budget=replace(PATIENT, memory_bytes=40 * 1024 * 1024))
    try:
        assert await refusal(store, flat_png(7_000, 7_000)) in ("damaged", "crashed")
        assert (await store.admit(encoded(".jpg"))).width == 320
    finally:
        await store.close()


async def test_no_worker_is_not_the_pictures_fault(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(decoder, "_WORKER", tmp_path / "missing.py")
    with pytest.raises(Unavailable):
        await pictures.admit(encoded(".jpg"))
    monkeypatch.undo()
    assert (await pictures.admit(encoded(".jpg"))).width == 320


async def test_decoding_leaves_the_event_loop_free(pictures):
    await pictures.admit(encoded(".jpg"))
    worker, large = psutil.Process(*pictures._decoder.pids), flat_png(9_000, 5_000)
    work, own = worker.cpu_times(), time.thread_time()
    await pictures.admit(large)
    assert time.thread_time() - own < (worker.cpu_times().user - work.user) / 4


async def test_a_cancelled_caller_leaves_a_working_store(pictures):
    kept = await pictures.admit(encoded(".jpg"))
    (pid,) = pictures._decoder.pids
    work = asyncio.create_task(pictures.admit(flat_png(9_000, 5_000)))
    await asyncio.sleep(0)  # it has the worker now, half way through
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await pictures.admit(encoded(".jpg")) == kept
    assert pid not in pictures._decoder.pids


async def test_deletion_spares_what_was_just_admitted(pictures):
    kept = await pictures.admit(encoded(".jpg"))
    assert await pictures.delete(kept.sha256) is False
    os.utime(pictures.path(kept.sha256), (0, 0))
    await pictures.admit(encoded(".jpg"))
    assert await pictures.delete(kept.sha256) is False
    os.utime(pictures.path(kept.sha256), (0, 0))
    assert await pictures.delete(kept.sha256) is True
    assert not pictures.path(kept.sha256).exists()
    assert await pictures.delete(kept.sha256, spare_seconds=0) is False


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_hash_names_a_picture(pictures, name):
    with pytest.raises(ValueError, match="sha256"):
        pictures.path(name)
