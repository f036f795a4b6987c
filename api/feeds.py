"""The live feeds of all slices, and the services of a process that serves them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from api.live import FeedHub, LogSource
from api.security.sharing import ALERTS, EVENTS
from domain.community.applications import queries as applications
from domain.community.applications.service import TOPIC
from domain.community.payments.autopay.ports import Agreements
from domain.community.payments.ports import Gateways
from domain.kernel.uow import Database
from domain.security.alerts.queries import change_log
from domain.security.events.queries import event_log
from integrations.bootstrap import Services
from integrations.identity.tokens import AccessTokens
from integrations.identity.vault import EnvelopeVault


@dataclass(frozen=True, slots=True)
class FeedServices:
    """What operations get: the process's services with the hub of its feeds."""

    services: Services
    feeds: FeedHub

    @property
    def database(self) -> Database:
        """Units of work and readers."""
        return self.services.database

    @property
    def vault(self) -> EnvelopeVault:
        """Seals and opens fields."""
        return self.services.vault

    @property
    def tokens(self) -> AccessTokens:
        """Issues and verifies access tokens."""
        return self.services.tokens

    @property
    def payments(self) -> Gateways:
        """The vendors through which residents pay."""
        return self.services.payments

    @property
    def agreements(self) -> Agreements:
        """The vendors with which auto-pay can be agreed."""
        return self.services.agreements

    @property
    def public_url(self) -> str:
        """How devices reach the API."""
        return self.services.settings.public_url

    @property
    def weak_device_auth(self) -> bool:
        """Whether devices may be registered for weak ways in."""
        return self.services.settings.weak_device_auth


def log_sources(engine: AsyncEngine) -> dict[str, LogSource]:
    """The logs of alerts, events and applications, by topic of news."""
    return {ALERTS: change_log(engine), EVENTS: event_log(engine), TOPIC: applications.change_log(engine)}


def feed_hub(services: Services) -> FeedHub:
    """The hub that reads the logs of this process's database, by the recorder's engine: few statements, very often."""
    return FeedHub(log_sources(services.recorder.engine))
