"""Alipay as the domain's ``PaymentPort``: app, mobile page, page and codes; refunds; the daily bill.

Alipay knows a trade only once a buyer has opened it: until then queries say that there is none, and what was handed out
can still be paid until it expires. Source: Alipay Open Platform, "支付 API".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import httpx

from domain.community.payments.ports import (
    BillLine,
    Channel,
    GatewayRefused,
    LineKind,
    NewRefund,
    NewTrade,
    Party,
    Prepay,
    Refunding,
    RefundState,
    Trade,
    TradeState,
    Vendor,
)
from domain.kernel.clock import Clock
from domain.kernel.money import InvalidAmount, fen_of, yuan_of
from integrations.payments.alipay.account import AlipayAccount, AlipayCalls
from integrations.payments.alipay.bill import BillBroken, BillRow, read_bill
from integrations.payments.alipay.signing import CHINA
from integrations.payments.calls import Caller
from integrations.payments.words import cut, require_bill, when

PRODUCTS: Final = {
    Channel.ALIPAY_QR: ("alipay.trade.precreate", "FACE_TO_FACE_PAYMENT"),
    Channel.ALIPAY_APP: ("alipay.trade.app.pay", "QUICK_MSECURITY_PAY"),
    Channel.ALIPAY_WAP: ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
    Channel.ALIPAY_PAGE: ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
}
NO_TRADE: Final = "ACQ.TRADE_NOT_EXIST"
NO_BILL: Final = "isp.bill_not_exist"
BILL_HOSTS: Final = ".alipay.com"
SUBJECT_BYTES: Final = 256
SPECIAL: Final = str.maketrans({"/": "／", "=": "＝", "&": "＆"})  # not allowed in a subject


class AlipayPay:
    """Implements ``PaymentPort`` for one application."""

    vendor = Vendor.ALIPAY

    def __init__(self, account: AlipayAccount, caller: Caller, *, clock: Clock) -> None:
        self._account = account
        self._caller = caller
        self._calls = AlipayCalls(account, caller, clock=clock)
        self._clock = clock

    @property
    def channels(self) -> frozenset[Channel]:
        """All of Alipay's."""
        return frozenset(PRODUCTS)

    def party(self, channel: Channel) -> Party:
        """The application and the seller, whatever the channel."""
        return Party(self._account.merchant.app_id, self._account.seller_id)

    async def create(self, trade: NewTrade) -> Prepay:
        """Open a trade by a code, or sign what the client opens it with."""
        method, product = PRODUCTS[trade.channel]
        content = {
            "out_trade_no": trade.out_trade_no,
            "total_amount": yuan_of(trade.amount_fen),
            "subject": cut(trade.title.translate(SPECIAL), SUBJECT_BYTES),
            "product_code": product,
            "time_expire": f"{trade.expires_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        }
        url = self._account.notify_url
        if trade.channel is Channel.ALIPAY_QR:
            said = await self._calls.call(method, content, notify_url=url)
            return Prepay(url=self._text(said, "qr_code"))
        order = self._calls.signed(method, content, notify_url=url)
        if trade.channel is Channel.ALIPAY_APP:
            return Prepay(launch={"orderStr": order})
        return Prepay(url=f"{self._account.gateway}?{order}")

    async def query(self, out_trade_no: str) -> Trade:
        """What Alipay says of a trade."""
        try:
            said = await self._calls.call("alipay.trade.query", {"out_trade_no": out_trade_no})
        except GatewayRefused as refused:
            if refused.params.get("reason") == NO_TRADE:
                return Trade(out_trade_no, TradeState.ABSENT, NO_TRADE)
            raise self._caller.unknown("query", code=refused.params.get("reason")) from None
        if said.get("out_trade_no") != out_trade_no:
            raise self._caller.unknown("another_trade")
        raw, paid_at = self._text(said, "trade_status"), when(said.get("send_pay_date"))
        if raw == "WAIT_BUYER_PAY":
            return Trade(out_trade_no, TradeState.WAITING, raw)
        if raw == "TRADE_CLOSED" and paid_at is None:  # paid and given back whole, it is closed too
            return Trade(out_trade_no, TradeState.CLOSED, raw)
        if raw not in ("TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED") or paid_at is None:
            raise self._caller.unknown("trade_status")
        return Trade(
            out_trade_no,
            TradeState.PAID,
            raw,
            transaction_id=self._text(said, "trade_no"),
            amount_fen=self._fen(said, "total_amount"),
            currency=str(said.get("trans_currency", "CNY")),
            app_id=self._account.merchant.app_id,
            seller_id=self._account.seller_id,
            paid_at=paid_at,
        )

    async def close(self, out_trade_no: str) -> TradeState:
        """Close a trade that a buyer has opened; where Alipay refuses, what it says of the trade then."""
        try:
            await self._calls.call("alipay.trade.close", {"out_trade_no": out_trade_no})
        except GatewayRefused as refused:
            if refused.params.get("reason") == NO_TRADE:
                return TradeState.ABSENT
            found = await self.query(out_trade_no)
            if found.state is TradeState.WAITING:
                raise self._caller.unknown("close", code=refused.params.get("reason")) from None
            return found.state
        return TradeState.CLOSED

    async def refund(self, refund: NewRefund) -> Refunding:
        """Give money back at once. Of a repeated call Alipay does not say whether money moved: then it is asked."""
        content = {
            "out_trade_no": refund.out_trade_no,
            "out_request_no": refund.out_refund_no,
            "refund_amount": yuan_of(refund.amount_fen),
            "refund_reason": cut(refund.reason, SUBJECT_BYTES),
        }
        said = await self._calls.call("alipay.trade.refund", content)
        if said.get("fund_change") != "Y":
            return await self.query_refund(refund.out_trade_no, refund.out_refund_no)
        number = self._text(said, "trade_no")
        return Refunding(refund.out_refund_no, RefundState.DONE, "Y", number, refund.amount_fen, self._clock())

    async def query_refund(self, out_trade_no: str, out_refund_no: str) -> Refunding:
        """What Alipay says of a refund; without a status it has none, or none that was made: asking again is safe."""
        content = {"out_trade_no": out_trade_no, "out_request_no": out_refund_no, "query_options": ["gmt_refund_pay"]}
        try:
            said = await self._calls.call("alipay.trade.fastpay.refund.query", content)
        except GatewayRefused as refused:
            if refused.params.get("reason") == NO_TRADE:
                return Refunding(out_refund_no, RefundState.ABSENT, NO_TRADE)
            raise self._caller.unknown("query_refund", code=refused.params.get("reason")) from None
        raw = str(said.get("refund_status") or "")
        if raw != "REFUND_SUCCESS":
            return Refunding(out_refund_no, RefundState.ABSENT, raw or "none")
        if said.get("out_request_no") != out_refund_no or said.get("out_trade_no") != out_trade_no:
            raise self._caller.unknown("another_refund")
        at, fen = when(said.get("gmt_refund_pay")) or self._clock(), self._fen(said, "refund_amount")
        return Refunding(out_refund_no, RefundState.DONE, raw, self._text(said, "trade_no"), fen, at)

    async def download_bill(self, day: date) -> Sequence[BillLine]:
        """The bill of ``day``, from ten o'clock of the next day."""
        require_bill(day, self._clock())
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        try:
            said = await self._calls.call("alipay.data.dataservice.bill.downloadurl.query", content)
        except GatewayRefused as refused:
            if refused.params.get("reason") == NO_BILL:
                return ()
            raise
        file = await self._caller.fetch(self._bill_url(self._text(said, "bill_download_url")), {})
        try:
            return [_line(row) for row in read_bill(file)]
        except BillBroken as error:
            raise self._caller.unknown("bill", why=str(error)) from None

    def _bill_url(self, told: str) -> str:
        """A signed answer names the file, and still it must be Alipay's own: over TLS, though Alipay writes http."""
        url, gateway = httpx.URL(told), httpx.URL(self._account.gateway)
        if (url.scheme, url.host, url.port) == (gateway.scheme, gateway.host, gateway.port):
            return told
        if not url.host.endswith(BILL_HOSTS) or url.port not in (None, 443):
            raise self._caller.unknown("bill_elsewhere")
        return str(url.copy_with(scheme="https"))

    def _text(self, said: dict[str, Any], name: str) -> str:
        value = said.get(name)
        if not isinstance(value, str) or not value:
            raise self._caller.unknown("without", name=name)
        return value

    def _fen(self, said: dict[str, Any], name: str) -> int:
        try:
            return fen_of(self._text(said, name))
        except InvalidAmount:
            raise self._caller.unknown("without", name=name) from None


def _line(row: BillRow) -> BillLine:
    return BillLine(
        kind=LineKind.REFUND if row.refund_no else LineKind.PAYMENT,
        out_trade_no=row.out_trade_no,
        transaction_id=row.trade_no,
        amount_fen=row.total,
        at=row.at,
        out_refund_no=row.refund_no,
    )
