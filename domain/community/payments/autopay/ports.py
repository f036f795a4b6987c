"""What auto-pay needs of a vendor: an agreement that its customer signs there, and payments that are taken by it.

Only Alipay has it here (商家扣款). We name an agreement by a number of ours; the vendor's own number of it, with which
money can be taken, is asked for when it is needed and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from domain.community.payments.ports import NewTrade, Party, Prepay, Trade, Vendor


class AgreementState(StrEnum):
    """ABSENT: the vendor has none of that number, or nobody has signed it yet."""

    ABSENT = "absent"
    SIGNED = "signed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the vendor says of an agreement. number: ours; vendor_number: the vendor's, there when it is SIGNED."""

    number: str
    state: AgreementState
    vendor_number: str = ""


@dataclass(frozen=True, slots=True)
class AgreementNotice:
    """A verified notification that an agreement was signed or ended at the vendor."""

    vendor: Vendor
    number: str
    state: AgreementState
    at: datetime


class AgreementPort(Protocol):
    """One merchant's agreements with a vendor's customers. Never called inside a transaction, but for ``sign``."""

    @property
    def vendor(self) -> Vendor:
        """Whose it is."""
        ...

    @property
    def party(self) -> Party:
        """Who is paid; kept with each attempt, and every notice is held against it."""
        ...

    def sign(self, number: str) -> Prepay:
        """What the client opens to sign: a page (``url``), and the address that opens the vendor's app (``app``)."""
        ...

    async def query(self, number: str) -> Agreement:
        """What the vendor knows of an agreement. Raises GatewayUnknown."""
        ...

    async def unsign(self, number: str) -> None:
        """End an agreement; one that is over or never was is ended. Raises GatewayRefused, GatewayUnknown."""
        ...

    async def deduct(self, trade: NewTrade, vendor_number: str) -> Trade:
        """Take a payment by an agreement: the trade, PAID. Raises GatewayRefused (nothing was taken) or GatewayUnknown.

        The same trade again is the same payment.
        """
        ...


Agreements: TypeAlias = Mapping[Vendor, AgreementPort]
"""The vendors with which agreements can be signed."""
