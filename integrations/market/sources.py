"""Which sources of prices a deployment has: those whose address is set, none by itself."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import urlsplit

from domain.community.prices.ports import PriceSourcePort
from integrations.market.answers import SECONDS
from integrations.market.moa_index import MoaIndex
from integrations.market.xinfadi import Xinfadi
from integrations.outgoing.transport import GuardedTransport, guarded_client
from integrations.settings import Settings

DEFAULT_PORTS: Final = {"https": 443, "http": 80}
MOST_BYTES: Final = 2 * 1024 * 1024


def price_sources(settings: Settings, stack: AsyncExitStack) -> tuple[PriceSourcePort, ...]:
    """The sources; their clients are closed with ``stack``."""
    found: list[PriceSourcePort] = []
    for url, made in ((settings.xinfadi_url, Xinfadi), (settings.moa_url, MoaIndex)):
        if url is None:
            continue
        parts = urlsplit(str(url))
        # Published prices are nobody's secret, and Xinfadi's are to be had without TLS only.
        transport = GuardedTransport(
            networks=settings.outgoing_networks,
            ports={parts.port or DEFAULT_PORTS[parts.scheme]},
            most=MOST_BYTES,
            plain=True,
        )
        client = guarded_client(transport, seconds=SECONDS)
        stack.push_async_callback(client.aclose)
        found.append(made(str(url), client))
    return tuple(found)
