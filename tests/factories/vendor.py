"""A vendor in memory behind ``PaymentPort``: trades and refunds as WeChat Pay and Alipay keep them; fails on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import count

from domain.community.payments.ports import (
    BillLine,
    Channel,
    GatewayRefused,
    GatewayUnknown,
    LineKind,
    NewRefund,
    NewTrade,
    Notice,
    NoticeKind,
    Party,
    Prepay,
    Refunding,
    RefundState,
    Trade,
    TradeState,
    Vendor,
)
from domain.community.payments.rules import bill_day


@dataclass
class FakeVendor:
    """One vendor. ``lost``: the next so many calls are done, or not, and nobody hears; ``refusing``: of ``create``."""

    vendor: Vendor
    clock: Callable[[], datetime]
    trades: dict[str, Trade] = field(default_factory=dict)
    asked: dict[str, NewTrade] = field(default_factory=dict)
    refunds: dict[str, Refunding] = field(default_factory=dict)
    lines: list[BillLine] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    lost_before: int = 0
    lost_after: int = 0
    refusing: str = ""
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def channels(self) -> frozenset[Channel]:
        return frozenset(
            channel for channel in Channel if channel.vendor is self.vendor and channel is not Channel.ALIPAY_WITHHOLD
        )

    def party(self, channel: Channel) -> Party:
        assert channel.vendor is self.vendor
        return Party(f"app-{self.vendor}", f"seller-{self.vendor}")

    async def create(self, trade: NewTrade) -> Prepay:
        with self._line("create"):
            if self.refusing:
                raise GatewayRefused(reason=self.refusing)
            known = self.asked.setdefault(trade.out_trade_no, trade)
            if replace(known, payer_id="") != replace(trade, payer_id=""):
                raise GatewayRefused(reason="OUT_TRADE_NO_USED")
            waiting = Trade(trade.out_trade_no, TradeState.WAITING, "NOTPAY")
            if self.trades.setdefault(trade.out_trade_no, waiting).state is not TradeState.WAITING:
                raise GatewayRefused(reason="ORDERPAID")
            return Prepay({"prepay_id": f"p-{trade.out_trade_no}"}, f"{self.vendor}://{trade.out_trade_no}")

    async def query(self, out_trade_no: str) -> Trade:
        with self._line("query"):
            return self.trades.get(out_trade_no, Trade(out_trade_no, TradeState.ABSENT, "ORDER_NOT_EXIST"))

    async def close(self, out_trade_no: str) -> TradeState:
        with self._line("close"):
            trade = self.trades.get(out_trade_no)
            if trade is None:
                return TradeState.ABSENT
            if trade.state is TradeState.WAITING:
                self.trades[out_trade_no] = Trade(out_trade_no, TradeState.CLOSED, "CLOSED")
            return self.trades[out_trade_no].state

    async def refund(self, refund: NewRefund) -> Refunding:
        with self._line("refund"):
            known = self.refunds.get(refund.out_refund_no)
            if known is not None:
                assert known.amount_fen == refund.amount_fen
                if known.raw == "ABNORMAL":  # the payer's bank takes it at the second try
                    known = replace(known, state=RefundState.WAITING, raw="PROCESSING")
                    self.refunds[refund.out_refund_no] = known
                return known
            trade = self.trades.get(refund.out_trade_no)
            mine = [r for no, r in self.refunds.items() if self._of(no) == refund.out_trade_no]
            back = sum(r.amount_fen for r in mine if r.raw != "CLOSED")
            if trade is None or trade.state is not TradeState.PAID or back + refund.amount_fen > trade.amount_fen:
                raise GatewayRefused(reason="NOT_ENOUGH")
            number = f"R{next(self._numbers)}"
            told = Refunding(refund.out_refund_no, RefundState.WAITING, "PROCESSING", number, refund.amount_fen)
            self.refunds[refund.out_refund_no] = told
            self._trade_of[refund.out_refund_no] = refund.out_trade_no
            return told

    async def query_refund(self, out_trade_no: str, out_refund_no: str) -> Refunding:
        with self._line("query_refund"):
            return self.refunds.get(out_refund_no, Refunding(out_refund_no, RefundState.ABSENT, "RESOURCE_NOT_EXISTS"))

    async def download_bill(self, day: date) -> Sequence[BillLine]:
        with self._line("bill"):
            return [line for line in self.lines if bill_day(line.at) == day]

    def pay(self, out_trade_no: str) -> Notice:
        """Somebody pays; the notification of it. Raises KeyError or ValueError when it cannot be paid."""
        trade = self.trades[out_trade_no]
        if trade.state is not TradeState.WAITING:
            raise ValueError(trade.state)
        wanted, party = self.asked[out_trade_no], self.party(self.asked[out_trade_no].channel)
        number, now = f"T{self.vendor}{next(self._numbers)}", self.clock()
        paid = Trade(
            out_trade_no,
            TradeState.PAID,
            "SUCCESS",
            number,
            wanted.amount_fen,
            app_id=party.app_id,
            seller_id=party.seller_id,
            paid_at=now,
        )
        self.trades[out_trade_no] = paid
        self.lines.append(BillLine(LineKind.PAYMENT, out_trade_no, number, wanted.amount_fen, now))
        return self.notice(out_trade_no)

    def notice(self, out_trade_no: str) -> Notice:
        """The notification of a paid trade, the same each time."""
        trade = self.trades[out_trade_no]
        assert trade.paid_at is not None
        return Notice(
            self.vendor,
            f"N-{trade.transaction_id}",
            NoticeKind.PAID,
            out_trade_no,
            trade.transaction_id,
            trade.amount_fen,
            trade.app_id,
            trade.seller_id,
            trade.paid_at,
            trade.raw,
        )

    def finish(self, out_refund_no: str, state: RefundState = RefundState.DONE, raw: str = "ABNORMAL") -> Notice:
        """The refund is made, or fails by the name of ``raw``; the notification of it."""
        said = raw if state is RefundState.FAILED else state.upper()
        told = replace(self.refunds[out_refund_no], state=state, raw=said, done_at=self.clock())
        self.refunds[out_refund_no] = told
        trade_no = self._of(out_refund_no)
        trade = self.trades[trade_no]
        if state is RefundState.DONE:
            line = BillLine(
                LineKind.REFUND, trade_no, trade.transaction_id, told.amount_fen, self.clock(), out_refund_no
            )
            self.lines.append(line)
        return Notice(
            self.vendor,
            f"N-{told.refund_id}-{state}-{next(self._numbers)}",
            NoticeKind.REFUND,
            trade_no,
            trade.transaction_id,
            told.amount_fen,
            "",
            trade.seller_id,
            self.clock(),
            told.raw,
            out_refund_no=out_refund_no,
            refund_id=told.refund_id,
            refund_state=state,
        )

    _trade_of: dict[str, str] = field(default_factory=dict)

    def _of(self, out_refund_no: str) -> str:
        return self._trade_of[out_refund_no]

    def _line(self, call: str) -> _Line:
        self.calls.append(call)
        if self.lost_before:
            self.lost_before -= 1
            raise GatewayUnknown
        return _Line(self)


@dataclass
class _Line:
    """The way back: what was done may not be heard of."""

    of: FakeVendor

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        if self.of.lost_after:
            self.of.lost_after -= 1
            raise GatewayUnknown


def vendors(clock: Callable[[], datetime]) -> dict[Vendor, FakeVendor]:
    """Both vendors."""
    return {vendor: FakeVendor(vendor, clock) for vendor in Vendor}
