"""Which adapters carry text messages and pushes: a site's gateway where its URL is set, else the local outbox."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import urlsplit

from domain.identity.ports import SmsPort, Vault
from domain.kernel.uow import Database
from domain.security.notifications.ports import PushPort
from integrations.identity.sms import OutboxSms
from integrations.messaging.push import OutboxPush
from integrations.messaging.signing import SecretFile
from integrations.messaging.webhook import SECONDS, Gateway, WebhookPush, WebhookSms
from integrations.outgoing.transport import GuardedTransport, guarded_client
from integrations.settings import Settings

DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def senders(settings: Settings, database: Database, vault: Vault, stack: AsyncExitStack) -> tuple[SmsPort, PushPort]:
    """The two ports; clients are closed with ``stack``. Raises OSError, ValueError or UnsafeKeyFile for bad secrets."""
    sms: SmsPort = OutboxSms(database, vault)
    push: PushPort = OutboxPush(database, vault)
    if settings.gateway_secrets is None:
        return sms, push
    secrets = SecretFile(settings.gateway_secrets)

    def gateway(url: str) -> Gateway:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        transport = GuardedTransport(networks=settings.outgoing_networks, ports={port})
        client = guarded_client(transport, seconds=SECONDS)
        stack.push_async_callback(client.aclose)
        return Gateway(url, secrets, client, clock=database.clock)

    if settings.sms_url is not None:
        sms = WebhookSms(gateway(str(settings.sms_url)))
    if settings.push_url is not None:
        push = WebhookPush(gateway(str(settings.push_url)))
    return sms, push
