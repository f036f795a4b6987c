"""Every collected message, posted or published ten times as its device would: one event, or an explained quarantine."""

from __future__ import annotations

import pytest

from domain.security.devices.models import DeviceKind
from tests.contract.ingest.collected import COLLECTED, FOLDER, Collected, needed
from tests.factories.ingest import Ingest, Speaker
from tests.factories.mqtt import broker, publish_again

TIMES = 10
pytestmark = needed


def by_name(some: list[Collected]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("message", some, ids=[one.name for one in some])


async def sender(ingest: Ingest, message: Collected) -> Speaker:
    """A device of the message's vendor, with the devices behind it."""
    if not message.behind:
        return await ingest.device(message.vendor)
    hub = await ingest.device(message.vendor, kind=DeviceKind.GATEWAY)
    for name in message.behind:
        await ingest.behind(hub, name)
    return hub


async def accounted(ingest: Ingest, channel: str, message: Collected) -> None:
    """``TIMES`` of the message made one of each event it stands for, and the sums are right."""
    kinds = [event["kind"] for event in await ingest.events()]
    if "tag_read" in message.becomes:  # folded: one event as a tag comes into the field
        assert set(kinds) == {"tag_read"}
        assert len(kinds) <= len(message.becomes)
    else:
        assert kinds == [kind for kind in message.becomes if kind != "heartbeat"]
    records, beats = len(message.becomes), message.becomes.count("heartbeat")
    assert await ingest.quarantined() == [(reason, detail) for reason, detail in await ingest.quarantined() if detail]
    assert [reason for reason, _ in await ingest.quarantined()] == list(message.quarantined) * TIMES
    tally = await ingest.tally(channel)
    assert tally["received"] == TIMES * (records + len(message.quarantined))
    assert tally["stored"] == records + beats * (TIMES - 1)  # hearing a heartbeat again changes nothing
    assert tally["quarantined"] == TIMES * len(message.quarantined)
    assert tally["received"] == tally["stored"] + tally["duplicate"] + tally["quarantined"]
    metrics = await ingest.metrics()
    assert {name: metrics[channel, name] for name in tally} == tally


def test_none_is_forgotten() -> None:
    folders = [FOLDER / name for name in ("hikvision", "rfid", "sensors")]
    found = {str(path.relative_to(FOLDER)) for folder in folders for path in folder.iterdir()}
    assert found == {message.name for message in COLLECTED}


@by_name([message for message in COLLECTED if message.topic is None])
async def test_posted(ingest: Ingest, message: Collected) -> None:
    device = await sender(ingest, message)
    body, kind = message.request

    answers = [await ingest.push(device, body, **{"Content-Type": kind}) for _ in range(TIMES)]

    assert {answer.status_code for answer in answers} == {200}
    assert not any(b"success" in answer.content for answer in answers)
    await accounted(ingest, "http", message)


@by_name([message for message in COLLECTED if message.topic is not None])
async def test_published(ingest: Ingest, message: Collected) -> None:
    device = await sender(ingest, message)

    async with broker(ingest.services) as port:
        acknowledged = await publish_again(port, device, message.topic or "", message.content, TIMES)

    assert acknowledged == TIMES
    await accounted(ingest, "mqtt", message)


@by_name([message for message in COLLECTED if message.topic is not None])
async def test_posted_although_it_is_meant_to_be_published(ingest: Ingest, message: Collected) -> None:
    device = await sender(ingest, message)
    body, kind = message.request

    answer = await ingest.push(device, body, **{"Content-Type": kind})

    assert answer.status_code == 200
    tally = await ingest.tally("http")
    assert tally["received"] == tally["stored"] + tally["quarantined"] >= 1
