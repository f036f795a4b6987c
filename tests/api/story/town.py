"""The stage of a story: the application with its worker, both vendors' sandbox on loopback, and people with phones.

Everybody speaks to the public API over HTTP, as apps do: they sign in by the code their phone got, and pay what they
scan.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from domain.kernel.clock import system_clock
from integrations.identity.sms import sent_messages
from integrations.payments.sandbox.app import Sandbox, sandbox
from integrations.payments.sandbox.keys import environment, kept_keys
from tests.factories.ingest import Ingest, running, settings_for
from tests.factories.patience import PATIENCE
from tests.factories.processes import served
from tests.factories.world import Person
from workers.handlers import handlers
from workers.relay import Relay

SEND_CODE = "mutation($phone: String!) { requestSignInCode(phone: $phone) { expiresIn } }"
SIGN_IN = "mutation($phone: String!, $code: String!) { signIn(phone: $phone, code: $code) { accessToken } }"


class ToUs(httpx.AsyncBaseTransport):
    """The vendors' line to our callbacks, which is laid once the application is there."""

    def __init__(self) -> None:
        self.inner: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a notification."""
        assert self.inner is not None
        return await self.inner.handle_async_request(request)


@dataclass
class Phone:
    """Somebody with an app that is signed in."""

    town: Town
    person: Person
    token: str

    async def ask(self, operation: str, **variables: Any) -> Any:
        """What the operation's one root field answers; an error is a failure of the story."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}
        told = await self.town.post(operation, headers, variables)
        assert "errors" not in told, told["errors"]
        (answer,) = told["data"].values()
        return answer

    async def list(self, operation: str, **variables: Any) -> list[dict[str, Any]]:
        """The nodes of the operation's one list."""
        return [edge["node"] for edge in (await self.ask(operation, **variables))["edges"]]

    async def send(self, content: bytes) -> str:
        """Upload a picture; its id."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.town.ingest.client.post("/uploads", files={"file": content}, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def fetch(self, url: str) -> httpx.Response:
        """What stands behind an address of the API."""
        return await self.town.ingest.client.get(url, headers={"Authorization": f"Bearer {self.token}"})


@dataclass
class Town:
    """Everything, running."""

    ingest: Ingest
    there: Sandbox
    cashier: str
    relay: Relay = field(init=False)

    def __post_init__(self) -> None:
        services = self.ingest.services
        table = handlers(push=services.push, sms=services.sms, vault=services.vault)
        self.relay = Relay(services.database, table)

    async def post(self, operation: str, headers: dict[str, str], variables: dict[str, Any]) -> Any:
        """One GraphQL request."""
        body = {"query": operation, "variables": variables}
        return (await self.ingest.client.post("/graphql", json=body, headers=headers)).json()

    def wait_until(self, instant: datetime) -> None:
        """Time passes; who was signed in must sign in again."""
        for database in (self.ingest.services.database, self.ingest.services.notices):
            database.clock = lambda: instant

    async def work(self) -> None:
        """Let the worker do what is to be done."""
        await self.relay.drain()

    async def phone(self, person: Person) -> Phone:
        """Sign in with the code the phone gets."""
        await self.post(SEND_CODE, {}, {"phone": person.phone})
        await self.work()
        code = next(found[0] for body in await self.heard(person.phone) if (found := re.search(r"\d{6}", body)))
        told = await self.post(SIGN_IN, {}, {"phone": person.phone, "code": code})
        return Phone(self, person, told["data"]["signIn"]["accessToken"])

    async def heard(self, address: str) -> list[str]:
        """Texts of messages and pushes to a phone number or to ``account:<id>``, newest first."""
        services = self.ingest.services
        sent = await sent_messages(services.database, services.vault)
        return [message.body for message in sent if message.address == address]

    async def scan_and_pay(self, code: str) -> None:
        """A buyer scans a QR code and pays; the vendor then tells us."""
        wants = {"accept": "application/json"}
        async with httpx.AsyncClient(base_url=self.cashier, headers=wants, timeout=PATIENCE) as buyer:
            scanned = await buyer.post("/cashier/scan", data={"code": code})
            assert scanned.status_code == 200, scanned.text
            assert (await buyer.post(f"/cashier/{scanned.json()['handle']}/pay")).status_code == 200
        self.there.wechat.settle()
        await self.there.notices.deliver()
        await self.work()


@asynccontextmanager
async def town(database_url: str, folder: Path, superuser: asyncpg.Connection) -> AsyncIterator[Town]:
    """A town of two compounds, a111 and a112, and nobody in it."""
    async with AsyncExitStack() as stack:
        line = ToUs()
        to_us = await stack.enter_async_context(httpx.AsyncClient(transport=line))
        keys = folder / "vendors"
        there = sandbox(kept_keys(keys, system_clock()), to_us, refund_seconds=0.0)
        cashier = f"http://127.0.0.1:{await stack.enter_async_context(served(there.app))}"
        named = environment(keys, cashier) | {"ZHIAN_OUTGOING_NETWORKS": "127.0.0.1/32"}
        named["ZHIAN_PUBLIC_URL"] = "https://zhian.test"
        settings = settings_for(database_url, folder, **named)
        ingest = await stack.enter_async_context(running(settings, superuser))
        line.inner = httpx.ASGITransport(ingest.app)
        yield Town(ingest, there, cashier)
