"""Who may push: Bearer, Basic and path secrets, good, wrong, ended and replaced; one answer for every failure."""

from __future__ import annotations

import base64

import httpx
import pytest

from domain.security.devices.service import retire_device, rotate_credential
from tests.factories.ingest import Ingest, Speaker

HEARTBEAT = {"id": "h-1", "type": "heartbeat", "data": {}}
REFUSED = {"code": "UNAUTHENTICATED"}
UNKNOWN = {"code": "NOT_FOUND"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def beat(ingest: Ingest, headers: dict[str, str], path: str = "/devices/events") -> httpx.Response:
    return await ingest.client.post(path, json=HEARTBEAT, headers=headers)


async def test_a_credential_is_accepted_as_bearer_and_basic(ingest: Ingest) -> None:
    gate = await ingest.device()
    global_id = base64.b64encode(f"Device:{gate.id}".encode()).decode()

    answers = [
        await beat(ingest, gate.bearer),
        await beat(ingest, gate.bearer, "/devices/zhian"),
        await beat(ingest, basic(*gate.login), "/devices/zhian"),
        await beat(ingest, basic(global_id, gate.secret.credential), "/devices/zhian"),
        await beat(ingest, {"authorization": f"bEARER   {gate.secret.credential} "}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert (await ingest.client.get("/devices/me", headers=gate.bearer)).status_code == 204


async def test_every_wrong_credential_gets_the_same_answer(ingest: Ingest) -> None:
    gate, other = await ingest.device(), await ingest.device()
    wrong = [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer zd_nobody"},
        {"Authorization": f"Bearer {gate.secret.path_secret}"},
        basic(str(other.id), gate.secret.credential),
        basic(str(gate.id), "zd_nobody"),
        basic("99999999999999999999", gate.secret.credential),
        basic("", gate.secret.credential),
        {"Authorization": "Basic not-base64!"},
        {"Authorization": "Negotiate abc"},
        {"Authorization": b"Bearer \xff\xfe".decode("latin-1").encode("latin-1")},
    ]

    for headers in wrong:
        answer = await beat(ingest, headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (401, REFUSED), headers
        assert answer.headers["www-authenticate"].startswith('Digest realm="zhian", qop="auth"')
        assert "stale" not in answer.headers["www-authenticate"]
    assert (await ingest.client.get("/devices/me")).status_code == 401
    assert await ingest.tally() == dict.fromkeys(("received", "stored", "duplicate", "quarantined", "late"), 0)


async def test_a_path_secret_opens_its_own_device_only(ingest: Ingest) -> None:
    gate, other = await ingest.device("hikvision"), await ingest.device("hikvision")
    secret = gate.secret.path_secret
    paths = [
        f"/devices/hikvision/{other.id}/{secret}",
        f"/devices/hikvision/{gate.id}/{secret}x",
        f"/devices/hikvision/{gate.id}/{gate.secret.credential}",
        f"/devices/hikvision/{gate.id}/%FF%00",
        f"/devices/nobody/{gate.id}/{secret}",
        f"/devices/hikvision/{'9' * 5000}/{secret}",
        f"/devices/hikvision/-1/{secret}",
        f"/devices/hikvision/²/{secret}",
    ]

    refused = [await ingest.client.post(path, json=HEARTBEAT) for path in paths]
    taken = await ingest.push(gate, {"eventType": "heartBeat"})

    assert [(answer.status_code, answer.json()) for answer in refused] == [(404, UNKNOWN)] * len(paths)
    assert taken.status_code == 200


async def test_a_device_that_was_not_registered_for_it_has_no_path_secret(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision", weak_ways=frozenset())

    assert gate.secret.path_secret is None
    for said in ("", "None", "x"):
        answer = await ingest.client.post(f"/devices/hikvision/{gate.id}/{said}", json=HEARTBEAT)
        assert (answer.status_code, answer.json()) == (404, UNKNOWN)


async def test_an_unknown_vendor_is_told_before_anybody_is_asked_who_he_is(ingest: Ingest) -> None:
    gate = await ingest.device()

    assert (await beat(ingest, gate.bearer, "/devices/nobody")).status_code == 404
    assert (await beat(ingest, {}, "/devices/nobody")).status_code == 404


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS"])
async def test_only_pushes_are_taken(ingest: Ingest, method: str) -> None:
    gate = await ingest.device("hikvision")

    for path in ("/devices/events", "/devices/hikvision", gate.path):
        assert (await ingest.client.request(method, path, headers=gate.bearer)).status_code == 405


async def rotated(ingest: Ingest, device: Speaker, grace_minutes: int) -> dict[str, str]:
    async with ingest.services.database.unit_of_work(ingest.world.everywhere) as uow:
        fresh = await rotate_credential(
            uow, vault=ingest.services.vault, device_id=device.id, grace_minutes=grace_minutes
        )
    return {"Authorization": f"Bearer {fresh.credential}"}


async def test_a_replaced_credential_ends_at_once_here_and_the_new_one_holds(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision")
    assert (await beat(ingest, gate.bearer)).status_code == 200

    fresh = await rotated(ingest, gate, grace_minutes=0)

    assert (await beat(ingest, gate.bearer)).status_code == 401
    assert (await ingest.push(gate, b"{}")).status_code == 404
    assert (await beat(ingest, fresh)).status_code == 200


async def test_a_replaced_credential_holds_through_its_grace(ingest: Ingest) -> None:
    gate = await ingest.device()

    fresh = await rotated(ingest, gate, grace_minutes=5)
    assert [(await beat(ingest, headers)).status_code for headers in (gate.bearer, fresh)] == [200, 200]
    await ingest.stored.execute("update device_credential set expires_at = now() where expires_at is not null")
    ingest.services.directory.forget()

    assert [(await beat(ingest, headers)).status_code for headers in (gate.bearer, fresh)] == [401, 200]


async def test_without_news_an_ended_credential_is_believed_for_two_seconds_at_most(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, now = await ingest.device(), 1000.0
    monkeypatch.setattr(ingest.services.directory, "_monotonic", lambda: now)
    assert (await beat(ingest, gate.bearer)).status_code == 200
    await ingest.stored.execute("update device_credential set expires_at = now() - interval '1 s'")

    assert (await beat(ingest, gate.bearer)).status_code == 200
    now += 2.0
    assert (await beat(ingest, gate.bearer)).status_code == 401


async def test_a_retired_device_is_nobody(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision")
    assert (await ingest.push(gate, {"eventType": "heartBeat"})).status_code == 200

    async with ingest.services.database.unit_of_work(ingest.world.everywhere) as uow:
        await retire_device(uow, device_id=gate.id)

    assert (await beat(ingest, gate.bearer)).status_code == 401
    assert (await ingest.push(gate, {"eventType": "heartBeat"})).status_code == 404
