"""How simulated messages travel: addresses, credentials, retries; and what is counted of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from cli.simulate.over_http import HttpSender
from cli.simulate.shot import Shot, Thing, Way
from cli.simulate.tally import Tally, percentile
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind

GATE = Thing(
    number=17,
    kind=DeviceKind.GATE,
    vendor=Vendor.HIKVISION,
    compound_id=3,
    compound="甲",
    name="南门",
    zone="gate",
    home=None,
    external_id=None,
    behind=False,
    path_url="http://elsewhere:1/devices/hikvision/17/path-secret",
    mqtt_prefix="c/3/d/17/",
    credential="zd_secret",
)
SHOT = Shot(GATE, Way.PATH, EventKind.PASSAGE, "application/json", b"{}")
Answer = Callable[[httpx.Request], httpx.Response]


async def sent(shot: Shot, answer: Answer, pauses: tuple[float, ...] = (0, 0)) -> tuple[str, list[httpx.Request], int]:
    """The outcome of sending, the requests that were made, and how many were retries."""
    requests: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answer(request)

    async with HttpSender("http://api:8000/", transport=httpx.MockTransport(take), pauses=pauses) as sender:
        return await sender.send(shot), requests, sender.retries


def ok(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200)


@pytest.mark.parametrize(
    ("way", "vendor", "url", "authorization"),
    [
        (Way.PATH, Vendor.HIKVISION, "http://api:8000/devices/hikvision/17/path-secret", None),
        (Way.MQTT, Vendor.HIKVISION, "http://api:8000/devices/hikvision/17/path-secret", None),
        (Way.BEARER, Vendor.ZHIAN, "http://api:8000/devices/events", "Bearer zd_secret"),
        (Way.BASIC, Vendor.HIKVISION, "http://api:8000/devices/hikvision", "Basic MTc6emRfc2VjcmV0"),
    ],
)
async def test_each_way_in_has_its_address_and_credential(
    way: Way, vendor: Vendor, url: str, authorization: str | None
) -> None:
    outcome, requests, _ = await sent(replace(SHOT, way=way, thing=replace(GATE, vendor=vendor)), ok)

    assert outcome == "200"
    assert [(str(r.url), r.headers.get("authorization"), r.content) for r in requests] == [(url, authorization, b"{}")]
    assert base64.b64decode("MTc6emRfc2VjcmV0") == b"17:zd_secret"


async def test_digest_answers_a_challenge_and_then_ahead_of_it() -> None:
    seen: list[str] = []

    def challenge(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization", ""))
        if not seen[-1]:
            return httpx.Response(401, headers={"WWW-Authenticate": 'Digest realm="zhian", nonce="n", qop="auth"'})
        return httpx.Response(200)

    async with HttpSender("http://api", transport=httpx.MockTransport(challenge)) as sender:
        outcomes = [await sender.send(replace(SHOT, way=Way.DIGEST)) for _ in range(2)]

    assert outcomes == ["200", "200"]
    assert [said[:22] for said in seen] == ["", 'Digest username="17", ', 'Digest username="17", ']


@pytest.mark.parametrize(("status", "tries"), [(200, 1), (401, 1), (413, 1), (429, 3), (503, 3)])
async def test_only_what_may_pass_is_sent_again(status: int, tries: int) -> None:
    outcome, requests, retries = await sent(SHOT, lambda _: httpx.Response(status))

    assert outcome == str(status)
    assert len(requests) == tries == retries + 1


async def test_after_a_cut_connection_the_same_bytes_go_again() -> None:
    answers = iter((httpx.ReadError("cut"), httpx.Response(503), httpx.Response(200)))

    def flaky(_: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    outcome, requests, retries = await sent(SHOT, flaky)

    assert (outcome, retries) == ("200", 2)
    assert {request.content for request in requests} == {b"{}"}


async def test_what_never_gets_through_is_told_by_name() -> None:
    def cut(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody")

    outcome, _, retries = await sent(SHOT, cut)

    assert (outcome, retries) == ("ConnectError", 2)


def test_the_tally_adds_up() -> None:
    tally = Tally()
    for second in range(4):
        tally.start("passage" if second % 2 else "tag_read", 2, now=second)
    tally.end("200", 0.010, acknowledged=True)
    tally.end("PUBACK", 0.030, acknowledged=True)
    tally.end("503", 9.0, acknowledged=False)

    assert tally.under_way == 1
    assert tally.rates(3) == {"passage": 2, "tag_read": 2}
    assert tally.rates(6.5) == {"passage": 1, "tag_read": 1}
    assert tally.summary() == {
        "sent": 4,
        "records": 8,
        "acknowledged": 2,
        "not_acknowledged": 2,
        "by_kind": {"passage": 2, "tag_read": 2},
        "by_outcome": {"200": 1, "503": 1, "PUBACK": 1},
        "ack_ms": {"p50": 30.0, "p99": 30.0},
    }


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 51), (0.99, 100), (1, 100)])
def test_percentiles(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value
    assert percentile([], share) == 0
