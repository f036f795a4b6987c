"""Agreements in memory behind ``AgreementPort``: signed and ended by a customer, payments taken; fails on demand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from domain.community.payments.autopay.ports import Agreement, AgreementNotice, AgreementState
from domain.community.payments.ports import (
    Channel,
    GatewayRefused,
    GatewayUnknown,
    NewTrade,
    Party,
    Prepay,
    Trade,
    TradeState,
    Vendor,
)
from tests.factories.vendor import FakeVendor


@dataclass
class FakeAgreements:
    """Agreements of one vendor. lost_before, lost_after: so many calls are not heard of; refusing: payments."""

    till: FakeVendor
    known: dict[str, Agreement] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lost_before: int = 0
    lost_after: int = 0
    refusing: str = ""

    @property
    def vendor(self) -> Vendor:
        return self.till.vendor

    @property
    def party(self) -> Party:
        return self.till.party(Channel.ALIPAY_APP)

    def sign(self, number: str) -> Prepay:
        return Prepay({"app": f"app://{number}"}, f"https://sign.test/{number}")

    async def query(self, number: str) -> Agreement:
        self._lose("query", before=True)
        self._lose("", before=False)
        return self.known.get(number, Agreement(number, AgreementState.ABSENT))

    async def unsign(self, number: str) -> None:
        self._lose("unsign", before=True)
        if number in self.known:
            self.known[number] = Agreement(number, AgreementState.ENDED)
        self._lose("", before=False)

    async def deduct(self, trade: NewTrade, vendor_number: str) -> Trade:
        self._lose("deduct", before=True)
        if self.refusing:
            raise GatewayRefused(reason=self.refusing)
        agreed = [each for each in self.known.values() if each.vendor_number == vendor_number]
        if not agreed or agreed[0].state is not AgreementState.SIGNED:
            raise GatewayRefused(reason="ACQ.AGREEMENT_NOT_EXIST")
        known = self.till.trades.get(trade.out_trade_no)
        if known is None:
            self.till.asked[trade.out_trade_no] = trade
            self.till.trades[trade.out_trade_no] = Trade(trade.out_trade_no, TradeState.WAITING, "NOTPAY")
            self.till.pay(trade.out_trade_no)
        elif known.state is not TradeState.PAID:
            raise GatewayRefused(reason="ACQ.TRADE_HAS_CLOSE")
        self._lose("", before=False)
        return replace(self.till.trades[trade.out_trade_no])

    def agree(self, number: str) -> AgreementNotice:
        """The customer signs; the notification of it."""
        self.known[number] = Agreement(number, AgreementState.SIGNED, f"V-{number}")
        return AgreementNotice(self.vendor, number, AgreementState.SIGNED, self.till.clock())

    def leave(self, number: str) -> AgreementNotice:
        """The customer ends it at the vendor; the notification of it."""
        self.known[number] = Agreement(number, AgreementState.ENDED)
        return AgreementNotice(self.vendor, number, AgreementState.ENDED, self.till.clock())

    def _lose(self, call: str, *, before: bool) -> None:
        if before:
            self.calls.append(call)
        name = "lost_before" if before else "lost_after"
        if getattr(self, name):
            setattr(self, name, getattr(self, name) - 1)
            raise GatewayUnknown
