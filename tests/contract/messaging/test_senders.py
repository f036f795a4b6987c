"""Both adapters of both ports, local outbox and site gateway, through the same cases; then the gateway's bad days."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.identity.ports import SmsPort
from domain.kernel.errors import Unavailable
from domain.kernel.uow import Database
from domain.security.notifications.ports import Push, PushPort
from integrations.identity.sms import OutboxSms, sent_messages
from integrations.messaging.push import OutboxPush
from integrations.messaging.senders import senders
from integrations.messaging.webhook import WebhookPush, WebhookSms
from tests.factories.gateway import SiteGateway, gateway_running
from tests.factories.ingest import settings_for
from tests.factories.vault import MemoryVault

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()
PUSH = Push(7, "火警", "紧急，1-101", "alert-4-9", True, "zhian://alerts/4/9")


def secret_file(folder: Path, *lines: str) -> Path:
    path = folder / "secrets"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines))
    return path


@dataclass
class Senders:
    """Two ports, and what became of what was handed to them."""

    sms: SmsPort
    push: PushPort
    gateway: SiteGateway
    database: Database
    vault: MemoryVault

    async def texts(self) -> list[tuple[str, str]]:
        """(phone or account, text) of every message that is on its way."""
        kept = [(m.address, m.body) for m in await sent_messages(self.database, self.vault)]
        said = [message["data"] for message in self.gateway.taken.values()]
        return kept + [(str(data.get("phone") or data["account"]), data.get("text") or data["body"]) for data in said]


@asynccontextmanager
async def made(
    database: Database, folder: Path, *lines: str, networks: str = "127.0.0.0/8", remote: bool = True, path: str = ""
) -> AsyncIterator[Senders]:
    vault = MemoryVault()
    async with gateway_running(SiteGateway(SECRET)) as gateway, AsyncExitStack() as stack:
        url = f"http://127.0.0.1{path}" if path else f"http://{gateway.host}/messages"
        names = {
            "ZHIAN_SMS_URL": url,
            "ZHIAN_PUSH_URL": url,
            "ZHIAN_OUTGOING_NETWORKS": networks,
            "ZHIAN_GATEWAY_SECRETS": str(secret_file(folder, *(lines or (SECRET,)))),
        }
        settings = settings_for("postgresql://x", folder, **(names if remote else {}))
        sms, push = senders(settings, database, vault, stack)
        yield Senders(sms, push, gateway, database, vault)


@pytest.fixture(params=["outbox", "gateway"])
async def ports(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> AsyncIterator[Senders]:
    async with made(database, tmp_path, remote=request.param == "gateway") as found:
        yield found


@pytest.fixture
async def site(database: Database, tmp_path: Path) -> AsyncIterator[Senders]:
    async with made(database, tmp_path) as found:
        yield found


async def test_which_adapter_is_taken_is_said_by_the_settings(database: Database, tmp_path: Path) -> None:
    async with made(database, tmp_path, remote=False) as local, made(database, tmp_path) as remote:
        assert (type(local.sms), type(local.push)) == (OutboxSms, OutboxPush)
        assert (type(remote.sms), type(remote.push)) == (WebhookSms, WebhookPush)


async def test_a_text_message_is_handed_over(ports: Senders) -> None:
    await ports.sms.send(phone="+8613900000001", text="【智安】123456", key="sign_in_code:1")
    assert await ports.texts() == [("+8613900000001", "【智安】123456")]


async def test_a_push_is_handed_over_and_has_a_receipt(ports: Senders) -> None:
    assert await ports.push.push(PUSH, key="notification-4-1")
    ((address, text),) = await ports.texts()
    assert "7" in address
    assert PUSH.body in text


async def test_one_key_is_one_message_however_often_and_at_once(ports: Senders) -> None:
    receipts = await asyncio.gather(*(ports.push.push(PUSH, key="notification-4-1") for _ in range(5)))
    await ports.push.push(PUSH, key="notification-4-2")
    assert len(set(receipts)) == 1
    assert len(await ports.texts()) == 2


async def test_the_gateways_own_receipt_is_kept(site: Senders) -> None:
    assert await site.push.push(PUSH, key="notification-4-1") == "r-notification-4-1"
    site.gateway.mood = "odd"
    assert await site.push.push(PUSH, key="notification-4-2") == "notification-4-2"


async def test_the_reference_library_refuses_what_is_signed_otherwise(database: Database, tmp_path: Path) -> None:
    async with made(database, tmp_path, OTHER) as wrong:
        with pytest.raises(Unavailable):
            await wrong.push.push(PUSH, key="k")
        assert (wrong.gateway.refused, wrong.gateway.taken) == (1, {})


@pytest.mark.parametrize("lines", [(OTHER, SECRET), (SECRET, OTHER), (OTHER, f"{SECRET} 2999-01-01T00:00:00Z")])
async def test_while_secrets_change_either_one_is_believed(
    database: Database, tmp_path: Path, lines: tuple[str, ...]
) -> None:
    async with made(database, tmp_path, *lines) as both:
        await both.push.push(PUSH, key="k")
        assert list(both.gateway.taken) == ["k"]


async def test_a_secret_that_has_ended_signs_no_more(database: Database, tmp_path: Path) -> None:
    async with made(database, tmp_path, OTHER, f"{SECRET} 2001-01-01T00:00:00Z") as over:
        with pytest.raises(Unavailable):
            await over.push.push(PUSH, key="k")


async def test_a_gateway_that_hangs_is_given_up_and_asked_again_under_the_same_key(
    site: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(site.sms, WebhookSms)
    monkeypatch.setattr(site.sms._gateway, "_seconds", 0.2)
    site.gateway.mood = "slow"
    with pytest.raises(Unavailable):
        await site.sms.send(phone="+8613900000001", text="x", key="sign_in_code:1")
    site.gateway.mood = "well"
    await site.sms.send(phone="+8613900000001", text="x", key="sign_in_code:1")
    assert list(site.gateway.taken) == ["sign_in_code:1"]


@pytest.mark.parametrize("mood", ["refusing", "moved", "large", "squeezed"])
async def test_an_answer_that_is_none_means_unavailable(site: Senders, mood: str) -> None:
    site.gateway.mood = mood
    with pytest.raises(Unavailable):
        await site.push.push(PUSH, key="notification-4-1")
    assert "elsewhere" not in site.gateway.taken


async def test_a_gateway_that_is_not_there_means_unavailable(database: Database, tmp_path: Path) -> None:
    async with made(database, tmp_path, path=":1/messages") as gone:
        with pytest.raises(Unavailable):
            await gone.push.push(PUSH, key="notification-4-1")


async def test_without_its_network_named_a_private_gateway_is_not_spoken_to(database: Database, tmp_path: Path) -> None:
    async with made(database, tmp_path, networks="10.0.0.0/8") as private:
        with pytest.raises(Unavailable):
            await private.push.push(PUSH, key="notification-4-1")
        assert private.gateway.asked == []
