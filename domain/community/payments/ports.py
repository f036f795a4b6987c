"""What payments need of a vendor: WeChat Pay, Alipay, or a double of either.

Amounts are fen of CNY, instants timezone-aware UTC. A port raises ``GatewayRefused`` when the vendor said no, and
``GatewayUnknown`` when nobody can tell what it did: then ask by the trade's number before trying again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Protocol, TypeAlias

from domain.kernel.errors import Conflict, Messages, Unavailable

CURRENCY = "CNY"


class Vendor(StrEnum):
    """Who moves the money."""

    WECHAT = "wechat"
    ALIPAY = "alipay"


class Channel(StrEnum):
    """How somebody pays. JSAPI: in a page or mini program inside WeChat; NATIVE and QR: a code that is scanned.
    WITHHOLD: taken by an agreement, not by anybody who pays."""

    WECHAT_NATIVE = "wechat_native"
    WECHAT_JSAPI = "wechat_jsapi"
    WECHAT_APP = "wechat_app"
    ALIPAY_QR = "alipay_qr"
    ALIPAY_APP = "alipay_app"
    ALIPAY_WAP = "alipay_wap"
    ALIPAY_PAGE = "alipay_page"
    ALIPAY_WITHHOLD = "alipay_withhold"

    @property
    def vendor(self) -> Vendor:
        """Whose channel it is."""
        return Vendor(self.value.partition("_")[0])


@dataclass(frozen=True, slots=True)
class Party:
    """Who gets the money: the application's id, and the merchant (WeChat Pay: mchid; Alipay: seller_id)."""

    app_id: str
    seller_id: str


@dataclass(frozen=True, slots=True)
class NewTrade:
    """A trade to open. payer_id: the openid in WECHAT_JSAPI, else "". expires_at: until when it may be paid."""

    out_trade_no: str
    channel: Channel
    amount_fen: int
    title: str
    expires_at: datetime
    payer_id: str = ""


@dataclass(frozen=True, slots=True)
class Prepay:
    """What the client opens to pay: the parameters of the vendor's SDK, or an address (a code to scan, a page)."""

    launch: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


class TradeState(StrEnum):
    """ABSENT: the vendor has no such trade (yet). PAID: also of a trade that was refunded since."""

    ABSENT = "absent"
    WAITING = "waiting"
    PAID = "paid"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Trade:
    """What the vendor says of a trade. The fields behind ``raw`` are there when it is PAID."""

    out_trade_no: str
    state: TradeState
    raw: str
    transaction_id: str = ""
    amount_fen: int = 0
    currency: str = CURRENCY
    app_id: str = ""
    seller_id: str = ""
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewRefund:
    """A refund to ask for; the same ``out_refund_no`` again is the same refund. total_fen: of the whole payment."""

    out_trade_no: str
    out_refund_no: str
    amount_fen: int
    total_fen: int
    reason: str


class RefundState(StrEnum):
    """ABSENT: the vendor has no such refund. FAILED: it will not come by itself (abnormal or closed)."""

    ABSENT = "absent"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refunding:
    """What the vendor says of a refund."""

    out_refund_no: str
    state: RefundState
    raw: str
    refund_id: str = ""
    amount_fen: int = 0
    done_at: datetime | None = None


class NoticeKind(StrEnum):
    """What a notification is about."""

    PAID = "paid"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified notification: the vendor's signature held, and it is fresh.

    notice_id: the same for every delivery of it; "" = not from a notification but from a query. amount_fen: the
    trade's total (never what the payer gave after coupons), or of a refund the refund's. raw: the vendor's own state.
    out_refund_no and refund_state are there of a REFUND.
    """

    vendor: Vendor
    notice_id: str
    kind: NoticeKind
    out_trade_no: str
    transaction_id: str
    amount_fen: int
    app_id: str
    seller_id: str
    at: datetime
    raw: str
    currency: str = CURRENCY
    out_refund_no: str = ""
    refund_id: str = ""
    refund_state: RefundState | None = None


class LineKind(StrEnum):
    """What a line of a vendor's daily bill is of."""

    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class BillLine:
    """A line of a vendor's bill of one day. amount_fen: positive, of a refund the refund's."""

    kind: LineKind
    out_trade_no: str
    transaction_id: str
    amount_fen: int
    at: datetime
    out_refund_no: str = ""


class GatewayRefused(Conflict):
    """The vendor said no. reason: its own code."""

    code = "PAYMENT_REFUSED"
    messages: ClassVar[Messages] = {
        "zh-CN": "支付渠道拒绝了请求（{reason}）",
        "en": "The payment provider refused ({reason})",
    }


class GatewayUnknown(Unavailable):
    """Nobody can tell whether the vendor did it: no answer, or none that verifies."""

    code = "PAYMENT_UNCERTAIN"
    messages: ClassVar[Messages] = {
        "zh-CN": "支付渠道暂无应答，请稍后查询结果",
        "en": "The payment provider did not answer; look again in a moment",
    }


class PaymentPort(Protocol):
    """One merchant's account with one vendor. Never called inside a transaction; answers within its own timeout."""

    @property
    def vendor(self) -> Vendor:
        """Whose it is."""
        ...

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels that are configured."""
        ...

    def party(self, channel: Channel) -> Party:
        """Who is paid through ``channel``; kept with the attempt, and every notice is held against it."""
        ...

    async def create(self, trade: NewTrade) -> Prepay:
        """Open a trade; again with the same values, the same trade. Raises GatewayRefused, GatewayUnknown."""
        ...

    async def query(self, out_trade_no: str) -> Trade:
        """What the vendor knows of a trade; ABSENT when nothing. Raises GatewayUnknown."""
        ...

    async def close(self, out_trade_no: str) -> TradeState:
        """Close a trade that is not paid: CLOSED, ABSENT, or PAID when it was too late. Raises GatewayUnknown."""
        ...

    async def refund(self, refund: NewRefund) -> Refunding:
        """Ask for a refund; that it was taken is not that it was made. Raises GatewayRefused, GatewayUnknown."""
        ...

    async def query_refund(self, out_trade_no: str, out_refund_no: str) -> Refunding:
        """What the vendor knows of a refund; ABSENT when nothing. Raises GatewayUnknown."""
        ...

    async def download_bill(self, day: date) -> Sequence[BillLine]:
        """What was paid and refunded on ``day`` (Beijing time), verified and adding up; () of a day without.

        Raises GatewayRefused when there is no bill yet, GatewayUnknown.
        """
        ...


Gateways: TypeAlias = Mapping[Vendor, PaymentPort]
"""The vendors that are configured."""
