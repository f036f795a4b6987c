"""Reports at ``/callbacks/delivery``: what a good one does, once, and that every tampered one does nothing."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from api.webhooks import BODY_BYTES, Callbacks
from domain.kernel.nonces import forget_nonces
from domain.kernel.uow import Database
from integrations.messaging.signing import Secret, sign
from tests.factories.ingest import running, settings_for
from tests.workers.kit import SYSTEM, HandClock, seed_account, seed_alert, seed_estate

KEY, OLD, WRONG = (bytes([n]) * 32 for n in range(3))
CLOCK = HandClock()
SECRETS = (Secret(KEY), Secret(OLD, CLOCK.now + timedelta(hours=1)))
PATH = "/callbacks/delivery"


class Reports:
    """The endpoint over a database with one notification, and an honest gateway."""

    def __init__(self, client: httpx.AsyncClient, clock: HandClock, stored: asyncpg.Connection, key: str) -> None:
        self.client = client
        self.clock = clock
        self.stored = stored
        self.key = key

    def report(self, state: str = "delivered", **data: Any) -> bytes:
        return json.dumps({"type": "delivery.receipt", "data": {"key": self.key, "state": state} | data}).encode()

    def headers(self, body: bytes, id_: str = "m-1", *, key: bytes = KEY, late: float = 0.0) -> dict[str, str]:
        return sign((Secret(key),), id_=id_, body=body, now=self.clock.now - timedelta(seconds=late))

    async def post(self, body: bytes, headers: dict[str, str]) -> int:
        return (await self.client.post(PATH, content=body, headers=headers)).status_code

    async def send(self, state: str, id_: str) -> int:
        body = self.report(state)
        return await self.post(body, self.headers(body, id_))

    async def fate(self) -> tuple[datetime | None, datetime | None]:
        """When the notification arrived and when it failed."""
        row = await self.stored.fetchrow("select arrived_at, failed_at from notification")
        return row["arrived_at"], row["failed_at"]


@pytest.fixture
async def reports(database: Database, superuser: asyncpg.Connection) -> AsyncIterator[Reports]:
    clock = HandClock()
    database.clock = clock
    await seed_estate(superuser)
    await seed_account(superuser, 101)
    alert = await seed_alert(superuser, audience='["home"]')
    notification = await superuser.fetchval(
        """insert into notification (county_id, town_id, community_id, compound_id, alert_id, account_id, cause,
             created_at) values (1, 2, 3, 4, $1, 101, 'raised', now()) returning id""",
        alert,
    )
    app = Starlette(routes=Callbacks(database, lambda: SECRETS, body_seconds=0.2).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://zhian.test") as client:
        yield Reports(client, clock, superuser, f"notification-4-{notification}")


async def test_a_good_report_marks_its_notification(reports: Reports) -> None:
    assert await reports.send("delivered", "m-1") == 204
    assert await reports.fate() == (reports.clock.now, None)


async def test_an_arrival_ends_a_failure_and_no_failure_an_arrival(reports: Reports) -> None:
    begun = reports.clock.now
    assert await reports.send("failed", "m-1") == 204
    assert await reports.fate() == (None, begun)
    reports.clock.forward(minutes=1)
    assert await reports.send("failed", "m-2") == 204
    assert await reports.fate() == (None, begun)
    assert await reports.send("delivered", "m-3") == 204
    arrived = (reports.clock.now, None)
    assert await reports.fate() == arrived
    reports.clock.forward(minutes=1)
    assert await reports.send("failed", "m-4") == 204
    assert await reports.send("delivered", "m-5") == 204
    assert await reports.fate() == arrived


async def test_a_replayed_report_is_taken_once(reports: Reports) -> None:
    body = reports.report("failed")
    headers = reports.headers(body)
    statuses = await asyncio.gather(*(reports.post(body, headers) for _ in range(5)))
    assert sorted(statuses) == [204, 409, 409, 409, 409]
    reports.clock.forward(minutes=4)
    assert await reports.post(body, headers) == 409
    assert await reports.stored.fetchval("select count(*) from seen_nonce") == 1


async def test_the_same_id_under_a_new_signature_is_taken_once_too(reports: Reports) -> None:
    assert await reports.send("failed", "m-1") == 204
    reports.clock.forward(minutes=4)
    assert await reports.send("delivered", "m-1") == 409
    assert (await reports.fate())[0] is None


async def test_an_id_is_kept_for_as_long_as_its_message_could_come_again(reports: Reports, database: Database) -> None:
    body = reports.report("failed")
    early = reports.headers(body, late=-299)  # a gateway whose clock is fast
    assert await reports.post(body, early) == 204
    for _ in range(11):
        reports.clock.forward(minutes=1)
        async with database.unit_of_work(SYSTEM) as uow:
            await forget_nonces(uow, limit=10)
        assert await reports.post(body, early) in (409, 401)
    reports.clock.forward(minutes=5)
    async with database.unit_of_work(SYSTEM) as uow:
        assert await forget_nonces(uow, limit=10) == 1
    assert await reports.post(body, early) == 401


@pytest.mark.parametrize("late", [301, 86_400, -301, -86_400])
async def test_late_and_early_reports_are_refused(reports: Reports, late: float) -> None:
    body = reports.report()
    assert await reports.post(body, reports.headers(body, late=late)) == 401
    assert await reports.fate() == (None, None)


async def test_a_wrong_key_is_refused_and_the_old_one_when_its_time_is_over(reports: Reports) -> None:
    body = reports.report("failed")
    assert await reports.post(body, reports.headers(body, key=WRONG)) == 401
    assert await reports.post(body, reports.headers(body, "m-1", key=OLD)) == 204
    reports.clock.forward(hours=1)
    assert await reports.post(body, reports.headers(body, "m-2", key=OLD)) == 401
    assert await reports.post(body, reports.headers(body, "m-2", key=KEY)) == 204


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_a_missing_doubled_or_changed_header_is_refused(reports: Reports, name: str) -> None:
    body = reports.report()
    good = reports.headers(body)
    value = good[name]
    changed = value[:-2] + ("1" if value[-2] != "1" else "2") + value[-1]
    without = {k: v for k, v in good.items() if k != name}
    doubled = [*good.items(), (name, value)]
    assert await reports.post(body, without) == 401
    assert await reports.post(body, good | {name: changed}) == 401
    assert (await reports.client.post(PATH, content=body, headers=doubled)).status_code == 401
    assert await reports.fate() == (None, None)
    assert await reports.post(body, good) == 204


async def test_a_changed_byte_of_the_body_is_refused(reports: Reports) -> None:
    body = reports.report("failed")
    headers = reports.headers(body)
    assert await reports.post(reports.report("delivered"), headers) == 401
    assert await reports.post(body + b" ", headers) == 401
    assert await reports.post(json.dumps(json.loads(body), separators=(",", ":")).encode(), headers) == 401
    assert await reports.fate() == (None, None)


async def test_a_huge_body_is_refused_unread(reports: Reports) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b" " * 65_536

    headers = reports.headers(b"")
    assert (await reports.client.post(PATH, content=endless(), headers=headers)).status_code == 413
    told = headers | {"content-length": "60000000"}
    assert (await reports.client.post(PATH, content=b"", headers=told)).status_code == 413
    full = reports.report(filler="x" * BODY_BYTES)
    assert await reports.post(full, reports.headers(full)) == 413


async def test_a_body_that_dawdles_is_given_up(reports: Reports) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    assert (await reports.client.post(PATH, content=slow(), headers=reports.headers(b"{"))).status_code == 408


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"type":"delivery.receipt"}',
        b'{"type":"delivery.receipt","data":[]}',
        b'{"type":"delivery.receipt","data":{"key":"k"}}',
        b'{"type":"delivery.receipt","data":{"key":1,"state":"failed"}}',
        b'{"type":"delivery.receipt","data":{"key":"k","state":"lost"}}',
        b'{"type":"delivery.receipt","data":{"key":"k","state":[]}}',
        b'{"type":"push.send","data":{"key":"k","state":"failed"}}',
        b"[" * 16_000,
        b"\xff",
    ],
)
async def test_a_signed_message_that_is_no_report_is_refused(reports: Reports, body: bytes) -> None:
    assert await reports.post(body, reports.headers(body)) == 400


@pytest.mark.parametrize(
    "key", ["notification-5-{id}", "notification-4-999999", "notification-6-1", "notification-999999999-1"]
)
async def test_a_notification_that_is_not_there_is_404_and_the_report_may_come_again(
    reports: Reports, key: str
) -> None:
    body = reports.report(key=key.format(id=reports.key.rpartition("-")[2]))
    assert await reports.post(body, reports.headers(body)) == 404
    assert await reports.post(body, reports.headers(body)) == 404
    assert await reports.fate() == (None, None)


@pytest.mark.parametrize(
    "key",
    [
        "sign_in_code:1",
        "",
        "notification-4-0",
        "notification-04-1",
        "notification-4-1 ",
        "notification-4-" + "9" * 19,
        "'; --",
    ],
)
async def test_reports_of_what_is_not_kept_change_nothing(reports: Reports, key: str) -> None:
    body = reports.report(key=key)
    assert await reports.post(body, reports.headers(body)) == 204
    assert await reports.fate() == (None, None)


async def test_without_secrets_there_is_nothing_to_report_to(reports: Reports, database: Database) -> None:
    app = Starlette(routes=Callbacks(database, None).routes())
    body = reports.report()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://zhian.test") as client:
        answer = await client.post(PATH, content=body, headers=reports.headers(body))
    assert (answer.status_code, answer.json()) == (404, {"code": "NOT_FOUND"})


async def test_the_application_has_the_endpoint_by_its_settings(
    database_url: str, tmp_path: Path, superuser: asyncpg.Connection
) -> None:
    path = tmp_path / "callback-secrets"
    path.touch(mode=0o600)
    path.write_text("whsec_" + base64.b64encode(KEY).decode())
    async with running(settings_for(database_url, tmp_path, ZHIAN_CALLBACK_SECRETS=str(path)), superuser) as ingest:
        body = b'{"type":"delivery.receipt","data":{"key":"sign_in_code:1","state":"failed"}}'
        headers = sign((Secret(KEY),), id_="m-1", body=body, now=ingest.services.database.clock())
        assert (await ingest.client.post(PATH, content=body, headers=headers)).status_code == 204
        assert (await ingest.client.post(PATH, content=body, headers=headers)).status_code == 409
        assert (await ingest.client.get(PATH)).status_code == 405
