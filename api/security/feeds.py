"""The live feeds of the security slice, and the services of a process that serves them."""

from __future__ import annotations

from dataclasses import dataclass

from api.live.feed import FeedHub
from domain.kernel.uow import Database
from integrations.bootstrap import Services
from integrations.identity.tokens import AccessTokens
from integrations.identity.vault import KeyFileVault


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
    def vault(self) -> KeyFileVault:
        """Seals and opens fields."""
        return self.services.vault

    @property
    def tokens(self) -> AccessTokens:
        """Issues and verifies access tokens."""
        return self.services.tokens


def feed_hub(services: Services) -> FeedHub:
    """The hub that reads the logs of this process's database."""
    return FeedHub({})
