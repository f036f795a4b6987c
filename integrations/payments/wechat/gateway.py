"""WeChat Pay v3 as the domain's ``PaymentPort``: JSAPI, APP and codes; refunds; the daily bill.

Source: WeChat Pay merchant documentation, API v3.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import quote

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
from integrations.payments.alipay.signing import CHINA
from integrations.payments.calls import Caller
from integrations.payments.wechat.account import WechatAccount, WechatCalls
from integrations.payments.wechat.bill import BillBroken, BillRow, read_bill
from integrations.payments.words import cut, require_bill, when

PATHS: Final = {Channel.WECHAT_JSAPI: "jsapi", Channel.WECHAT_APP: "app", Channel.WECHAT_NATIVE: "native"}
STATES: Final = {
    "SUCCESS": TradeState.PAID,
    "REFUND": TradeState.PAID,
    "NOTPAY": TradeState.WAITING,
    "USERPAYING": TradeState.WAITING,
    "ACCEPT": TradeState.WAITING,
    "CLOSED": TradeState.CLOSED,
    "REVOKED": TradeState.CLOSED,
    "PAYERROR": TradeState.CLOSED,
}
REFUND_STATES: Final = {
    "SUCCESS": RefundState.DONE,
    "PROCESSING": RefundState.WAITING,
    "CLOSED": RefundState.FAILED,
    "ABNORMAL": RefundState.FAILED,
}
NO_TRADE: Final = ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS")
TITLE_BYTES: Final = 127
REASON_BYTES: Final = 80


class WechatPay:
    """Implements ``PaymentPort`` for one merchant."""

    vendor = Vendor.WECHAT

    def __init__(self, account: WechatAccount, caller: Caller, *, clock: Clock) -> None:
        self._account = account
        self._caller = caller
        self._calls = WechatCalls(account, caller, clock=clock)
        self._clock = clock

    @property
    def channels(self) -> frozenset[Channel]:
        """Without an app of ours not the app's."""
        return frozenset(PATHS) - (frozenset() if self._account.app_appid else {Channel.WECHAT_APP})

    def party(self, channel: Channel) -> Party:
        """The application of ``channel`` and the merchant."""
        account = self._account
        return Party(account.app_appid if channel is Channel.WECHAT_APP else account.appid, account.merchant.mchid)

    async def create(self, trade: NewTrade) -> Prepay:
        """Open a trade. What is sent depends on ``trade`` alone, so that asking again is asking the same."""
        party = self.party(trade.channel)
        said: dict[str, object] = {
            "appid": party.app_id,
            "mchid": party.seller_id,
            "description": cut(trade.title, TITLE_BYTES),
            "out_trade_no": trade.out_trade_no,
            "time_expire": trade.expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
            "notify_url": self._account.notify_url,
            "amount": {"total": trade.amount_fen, "currency": "CNY"},
        }
        if trade.channel is Channel.WECHAT_JSAPI:
            said["payer"] = {"openid": trade.payer_id}
        answer = await self._calls.post(f"/v3/pay/transactions/{PATHS[trade.channel]}", said)
        if trade.channel is Channel.WECHAT_NATIVE:
            return Prepay(url=self._text(answer, "code_url"))
        merchant, prepay_id, now = self._account.merchant, self._text(answer, "prepay_id"), self._clock()
        launch = merchant.jsapi if trade.channel is Channel.WECHAT_JSAPI else merchant.app
        return Prepay(launch=launch(party.app_id, prepay_id, now=now))

    async def query(self, out_trade_no: str) -> Trade:
        """What WeChat Pay says of a trade."""
        mchid = self._account.merchant.mchid
        try:
            said = await self._calls.get(
                f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}?mchid={mchid}"
            )
        except GatewayRefused as refused:
            if refused.params.get("reason") in NO_TRADE:
                return Trade(out_trade_no, TradeState.ABSENT, str(refused.params["reason"]))
            raise self._caller.unknown("query", code=refused.params.get("reason")) from None
        if said.get("out_trade_no") != out_trade_no or said.get("mchid") != mchid:
            raise self._caller.unknown("another_trade")
        raw = self._text(said, "trade_state")
        state = STATES.get(raw)
        if state is None:
            raise self._caller.unknown("trade_state")
        if state is not TradeState.PAID:
            return Trade(out_trade_no, state, raw)
        return self._paid(out_trade_no, raw, said)

    def _paid(self, out_trade_no: str, raw: str, said: dict[str, Any]) -> Trade:
        amount = said.get("amount")
        if not isinstance(amount, dict) or type(amount.get("total")) is not int:
            raise self._caller.unknown("amount")
        return Trade(
            out_trade_no,
            TradeState.PAID,
            raw,
            transaction_id=self._text(said, "transaction_id"),
            amount_fen=amount["total"],
            currency=str(amount.get("currency", "CNY")),
            app_id=self._text(said, "appid"),
            seller_id=self._text(said, "mchid"),
            paid_at=self._when(said, "success_time"),
        )

    async def close(self, out_trade_no: str) -> TradeState:
        """Close a trade; where WeChat Pay refuses, what it says of the trade then."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}/close"
        try:
            await self._calls.post(path, {"mchid": self._account.merchant.mchid})
        except GatewayRefused as refused:
            if refused.params.get("reason") in NO_TRADE:
                return TradeState.ABSENT
            found = await self.query(out_trade_no)
            if found.state is TradeState.WAITING:
                raise self._caller.unknown("close", code=refused.params.get("reason")) from None
            return found.state
        return TradeState.CLOSED

    async def refund(self, refund: NewRefund) -> Refunding:
        """Ask for a refund. WeChat Pay answers before the money has moved."""
        said = {
            "out_trade_no": refund.out_trade_no,
            "out_refund_no": refund.out_refund_no,
            "reason": cut(refund.reason, REASON_BYTES),
            "notify_url": self._account.notify_url,
            "amount": {"refund": refund.amount_fen, "total": refund.total_fen, "currency": "CNY"},
        }
        if not said["reason"]:
            del said["reason"]
        return self._refunding(refund.out_refund_no, await self._calls.post("/v3/refund/domestic/refunds", said))

    async def query_refund(self, out_trade_no: str, out_refund_no: str) -> Refunding:
        """What WeChat Pay says of a refund."""
        try:
            said = await self._calls.get(f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}")
        except GatewayRefused as refused:
            if refused.params.get("reason") in NO_TRADE:
                return Refunding(out_refund_no, RefundState.ABSENT, str(refused.params["reason"]))
            raise self._caller.unknown("query_refund", code=refused.params.get("reason")) from None
        if said.get("out_trade_no") != out_trade_no:
            raise self._caller.unknown("another_refund")
        return self._refunding(out_refund_no, said)

    def _refunding(self, out_refund_no: str, said: dict[str, Any]) -> Refunding:
        raw, amount = self._text(said, "status"), said.get("amount")
        state = REFUND_STATES.get(raw)
        told = amount.get("refund") if isinstance(amount, dict) else None
        if state is None or said.get("out_refund_no") != out_refund_no or type(told) is not int:
            raise self._caller.unknown("refund")
        done = self._when(said, "success_time") if state is RefundState.DONE else None
        return Refunding(out_refund_no, state, raw, self._text(said, "refund_id"), told, done)

    async def download_bill(self, day: date) -> Sequence[BillLine]:
        """The bill of ``day``, which WeChat Pay has from ten o'clock of the next day."""
        require_bill(day, self._clock())
        try:
            said = await self._calls.get(f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL")
        except GatewayRefused as refused:
            if refused.params.get("reason") == "NO_STATEMENT_EXIST":
                return ()
            raise
        content = await self._calls.file(self._text(said, "download_url"))
        told = hashlib.sha1(content).hexdigest()  # noqa: S324 - what the vendor states beside a bill
        if said.get("hash_type") != "SHA1" or not hmac.compare_digest(told, str(said.get("hash_value")).lower()):
            raise self._caller.unknown("bill_hash")
        try:
            return [_line(row) for row in read_bill(content).rows]
        except BillBroken as error:
            raise self._caller.unknown("bill", why=str(error)) from None

    def _text(self, said: dict[str, Any], name: str) -> str:
        value = said.get(name)
        if not isinstance(value, str) or not value:
            raise self._caller.unknown("without", name=name)
        return value

    def _when(self, said: dict[str, Any], name: str) -> datetime:
        at = when(said.get(name))
        if at is None:
            raise self._caller.unknown("without", name=name)
        return at


def _line(row: BillRow) -> BillLine:
    refund = row.state == "REFUND"
    return BillLine(
        kind=LineKind.REFUND if refund else LineKind.PAYMENT,
        out_trade_no=row.out_trade_no,
        transaction_id=row.transaction_id,
        amount_fen=row.refunded if refund else row.total,
        at=row.at,
        out_refund_no=row.out_refund_no if refund else "",
    )
