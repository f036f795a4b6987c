"""Ten thousand messages with repeats, late and broken ones, shuffled over every channel: every one is accounted for."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.factories.ingest import Ingest, Speaker
from tests.factories.mqtt import broker, publish

MESSAGES, REPEATED, LATE, BROKEN = 10_000, 500, 200, 100
SINGLES, PUBLISHED = 1500, 2500
BREAKAGES = (
    b"{",
    b'{"id":"x"}',
    b'{"id":"x","type":"unheard_of"}',
    b'{"id":"x","type":"sensor","data":{}}',
    b'{"id":"x","type":"door","data":{"state":7}}',
    b'{"id":"x","type":"passage","data":{"decision":"maybe"}}',
    b"\xff",
    b"[1]",
    b'{"id":"x","id":"y","type":"heartbeat"}',
    b'"text"',
)
Sent = tuple[Speaker, bytes]


def message(number: int, *, late: bool, now: datetime) -> bytes:
    """One message of the contract; every kind in turn."""
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("passage", {"decision": "granted", "person_no": f"R-{number % 97}"}),
        ("door", {"state": "opened"}),
        ("plate_read", {"plate": f"浙F{number % 90000:05d}"}),
        ("sensor", {"temperature_c": 20 + number % 5}),
        ("camera_event", {"type": "motion"}),
    ]
    kind, data = kinds[number % len(kinds)]
    said: dict[str, Any] = {"id": f"m-{number}", "type": kind, "data": data}
    if late:
        said |= {"late": True, "at": (now - timedelta(hours=1, seconds=number)).isoformat()}
    return json.dumps(said, ensure_ascii=False).encode()


def shuffled(devices: list[Speaker], seed: int) -> list[Sent]:
    """The messages in an order in which a repeat may stand before, beside or long after its like."""
    chance, now = random.Random(seed), datetime.now(UTC)
    whole = MESSAGES - REPEATED - BROKEN
    first = [(devices[n % len(devices)], message(n, late=n < LATE, now=now)) for n in range(whole)]
    repeats = chance.sample(first[LATE:], REPEATED)
    broken = [(devices[n % len(devices)], BREAKAGES[n % len(BREAKAGES)]) for n in range(BROKEN)]
    sent = [*first, *repeats, *broken]
    chance.shuffle(sent)
    return sent


async def post_singles(ingest: Ingest, sent: list[Sent]) -> None:
    for device, body in sent:
        answer = await ingest.client.post("/devices/events", content=body, headers=device.bearer)
        assert answer.status_code == 200


async def post_lines(ingest: Ingest, device: Speaker, lines: list[bytes]) -> None:
    headers = device.bearer | {"Content-Type": "application/x-ndjson"}
    for start in range(0, len(lines), 100):
        body = b"\n".join(lines[start : start + 100])
        answer = await ingest.client.post("/devices/events", content=body, headers=headers)
        assert answer.status_code == 200


async def test_ten_thousand_messages_are_accounted_for_to_the_unit(ingest: Ingest) -> None:
    devices = [await ingest.device() for _ in range(8)]
    sent = shuffled(devices, seed=20261122)
    singles, published, lined = sent[:SINGLES], sent[SINGLES : SINGLES + PUBLISHED], sent[SINGLES + PUBLISHED :]

    async with broker(ingest.services) as port:
        await asyncio.gather(
            *(post_singles(ingest, singles[lane::10]) for lane in range(10)),
            *(post_lines(ingest, device, [body for d, body in lined if d is device]) for device in devices),
            *(publish(port, d, [(topic(body), body) for one, body in published if one is d]) for d in devices),
        )

    expected = {
        "received": MESSAGES,
        "stored": MESSAGES - REPEATED - BROKEN,
        "duplicate": REPEATED,
        "quarantined": BROKEN,
        "late": LATE,
    }
    assert await ingest.tally() == expected
    assert (await ingest.tally("mqtt"))["received"] == PUBLISHED
    assert await ingest.count("event") == expected["stored"]
    assert await ingest.count("inbox") == expected["stored"]
    assert await ingest.count("quarantined") == BROKEN
    assert await ingest.stored.fetchval("select count(*) from event where late") == LATE
    assert await ingest.count("alert") == 0
    scraped = await ingest.metrics()
    for outcome, count in expected.items():
        assert scraped["http", outcome] + scraped["mqtt", outcome] == count


def topic(body: bytes) -> str:
    """The topic a device would use; a broken message goes to any."""
    try:
        said = json.loads(body)
        return str(said["type"]) if said["type"] != "unheard_of" else "door"
    except (ValueError, KeyError, TypeError):
        return "sensor"
