"""Books the cost of operations on whoever asks: an account, or the address of those who are nobody."""

from __future__ import annotations

import math
from ipaddress import IPv6Address, ip_address, ip_network

from api.execution.limits import Limits
from domain.identity.ports import Vault
from domain.kernel.actor import Actor
from domain.kernel.errors import Limited
from integrations.spending import Spending


class Charging:
    """Implements ``api.execution.engine.Charge``. ``factor`` makes all rates larger or smaller.

    refused: how many operations were too much at their time.
    """

    def __init__(self, spending: Spending, vault: Vault, limits: Limits, *, factor: float = 1.0) -> None:
        self._spending = spending
        self._vault = vault
        self._limits = limits
        self._factor = factor
        self.refused = 0

    async def __call__(self, actor: Actor, client: str, cost: int) -> None:
        """Book ``cost``. Raises Limited. Valkey learns neither account nor address: the key is a keyed digest."""
        rate = self._limits.rate(actor.roles)
        who = f"client:{neighbourhood(client)}" if actor.account_id is None else f"account:{actor.account_id}"
        subject = self._vault.index("rate_limit.cost", who).hex()
        wait = await self._spending.spend(
            subject, cost, per_second=rate.per_second * self._factor, burst=rate.burst * self._factor
        )
        if wait > 0:
            self.refused += 1
            raise Limited(retry_after=math.ceil(wait))


def neighbourhood(client: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 in which one IPv6 client picks addresses at will."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped is not None else str(ip_network((address.packed, 64), strict=False))
