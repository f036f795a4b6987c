"""Pictures of pushes: kept re-encoded behind their event, refused without it, made up for by a repeat."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from typing import Any

import pytest

from domain.kernel.pictures import PictureRefused
from domain.security.events.pictures import keep_pictures
from integrations.devices import intake
from tests.factories.ingest import Ingest
from tests.unit.devices.samples import access


def jpeg(shade: int = 90) -> bytes:
    """A small real picture."""
    import cv2
    import numpy as np

    image = np.full((48, 64, 3), shade, np.uint8)
    image[10:30, 20:40] = (60, 180, 240)
    done, content = cv2.imencode(".jpg", image)
    assert done
    return bytes(content.tobytes())


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it has 40,000 × 40,000 pixels."""
    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 9999)) + chunk(b"IEND", b"")
    )


def multipart(event: dict[str, Any], *pictures: bytes) -> bytes:
    """A push as an access controller makes it."""
    parts = [b'name="event_log"\r\nContent-Type: application/json\r\n\r\n' + json.dumps(event).encode()]
    parts += [
        b'name="Picture%d"; filename="p.jpg"\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b'
        % (number, len(content), content)
        for number, content in enumerate(pictures)
    ]
    return b"".join(b"--MIME\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--MIME--\r\n"


KIND = {"Content-Type": "multipart/form-data; boundary=MIME"}


async def kept(ingest: Ingest) -> list[Any]:
    return list(await ingest.stored.fetch("select * from picture order by event_id, ordinal"))


async def test_a_push_with_pictures_becomes_an_event_with_pictures(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision")
    sent = [jpeg(40), jpeg(200)]

    answer = await ingest.push(gate, multipart(access(), *sent), **KIND)

    assert answer.status_code == 200
    (event,) = await ingest.events()
    rows = await kept(ingest)
    assert [(row["event_id"], row["event_at"], row["ordinal"]) for row in rows] == [
        (event["id"], event["at"], 0),
        (event["id"], event["at"], 1),
    ]
    for row in rows:
        content = ingest.services.pictures.path(row["sha256"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert (len(content), row["width"], row["height"]) == (row["size"], 64, 48)
        assert content not in sent


async def test_the_raw_message_keeps_no_picture(ingest: Ingest) -> None:
    gate, picture = await ingest.device("hikvision"), jpeg()
    text = base64.b64encode(picture * 4)
    event = json.dumps(access(serialNo=4)).encode()
    bodies: list[tuple[bytes, str]] = [
        (multipart(access(), picture), KIND["Content-Type"]),
        (multipart(access(serialNo=2), picture), "text/plain"),
        (multipart({}, *[picture] * 20), KIND["Content-Type"]),
        (multipart(access(serialNo=3), picture)[:-400], KIND["Content-Type"]),
        (picture, "image/jpeg"),
        (event.replace(b'"name"', b'"face": "%b", "name"' % text), "application/json"),
        (b"<EventNotificationAlert><picture>%b</picture></EventNotificationAlert>" % text, "application/xml"),
    ]

    answers = [await ingest.push(gate, body, **{"Content-Type": kind}) for body, kind in bodies]
    said = {"id": "z-1", "type": "passage", "data": {"decision": "granted"}}
    said["pictures"] = [{"label": "face", "content": base64.b64encode(jpeg() * 3).decode()}]
    await ingest.say(await ingest.device(), said)

    assert [answer.status_code for answer in answers] == [200] * len(bodies)
    raw = await ingest.raw()
    assert len(raw) == len(bodies) + 1
    assert not [body for body in raw if b"JFIF" in body or text[:64] in body or len(body) > 4000]
    assert sum(b"serialNo" in body for body in raw) >= 4


async def test_a_repeat_after_a_crash_between_the_commits_brings_the_pictures(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, body = await ingest.device("hikvision"), multipart(access(), jpeg())

    async def killed(*_: Any, **__: Any) -> int:
        raise ConnectionError("the process ends here")

    monkeypatch.setattr(intake, "keep_pictures", killed)
    first = await ingest.push(gate, body, **KIND)
    monkeypatch.setattr(intake, "keep_pictures", keep_pictures)
    before = await kept(ingest)
    again = [await ingest.push(gate, body, **KIND) for _ in range(2)]

    assert (first.status_code, [answer.status_code for answer in again]) == (503, [200, 200])
    assert before == []
    (event,) = await ingest.events()
    assert [(row["event_id"], row["event_at"]) for row in await kept(ingest)] == [(event["id"], event["at"])]
    assert await ingest.tally() == {"received": 3, "stored": 1, "duplicate": 2, "quarantined": 0, "late": 0}


async def test_a_bad_picture_is_refused_and_its_event_kept(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision")
    bad = [bomb(), b"\xff\xd8\xff\xe0 no picture at all", jpeg()[:-300]]

    answer = await ingest.push(gate, multipart(access(), *bad, jpeg()), **KIND)
    after = await ingest.push(gate, multipart(access(serialNo=9), jpeg()), **KIND)

    assert (answer.status_code, after.status_code) == (200, 200)
    assert await ingest.count("event") == 2
    assert [row["ordinal"] for row in await kept(ingest)] == [3, 0]


async def test_the_sixth_picture_and_a_huge_one_are_dropped_and_counted(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision")
    huge = jpeg() + b"\0" * (2 << 20)

    await ingest.push(gate, multipart(access(), huge, *(jpeg(20 * n) for n in range(6))), **KIND)

    (event,) = await ingest.events()
    assert json.loads(event["attributes"])["pictures_dropped"] == 2
    assert len(await kept(ingest)) == 5


async def test_a_full_disk_costs_the_picture_and_not_the_event(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = await ingest.device("hikvision")
    failures = iter([OSError(28, "No space left on device"), PictureRefused("damaged")])

    async def full(_self: object, _content: bytes) -> None:
        raise next(failures)

    monkeypatch.setattr(type(ingest.services.pictures), "admit", full)

    answer = await ingest.push(gate, multipart(access(), jpeg(), jpeg()), **KIND)

    assert answer.status_code == 200
    assert (await ingest.count("event"), await kept(ingest)) == (1, [])


async def test_a_heartbeat_has_no_event_to_hang_a_picture_on(ingest: Ingest) -> None:
    picture = {"label": "x", "content": base64.b64encode(jpeg()).decode()}

    said = await ingest.say(await ingest.device(), {"id": "h", "type": "heartbeat", "pictures": [picture]})

    assert (said["stored"], await kept(ingest)) == (1, [])
