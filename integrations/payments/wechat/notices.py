"""WeChat Pay's notifications in the domain's words. Source: API v3, "支付成功回调通知", "退款结果回调通知"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.community.payments.ports import Notice, NoticeKind, RefundState, Vendor
from domain.kernel.clock import Clock
from integrations.payments.notices import NotAuthentic, NotUnderstood
from integrations.payments.wechat.account import WechatAccount
from integrations.payments.wechat.notification import Notification, Unreadable, opened
from integrations.payments.wechat.signing import Unverified
from integrations.payments.words import when

PAID: Final = "TRANSACTION.SUCCESS"
REFUNDED: Final = {
    "REFUND.SUCCESS": RefundState.DONE,
    "REFUND.ABNORMAL": RefundState.FAILED,
    "REFUND.CLOSED": RefundState.FAILED,
}


class WechatNotices:
    """Implements ``ReadsNotices``: signature and time first, then the seal, then what it says."""

    def __init__(self, account: WechatAccount, *, clock: Clock) -> None:
        self._account = account
        self._clock = clock

    def read(self, headers: Mapping[str, str], body: bytes) -> Notice | None:
        """A payment or a refund; None of another event."""
        try:
            self._account.platform.verify(headers, body, now=self._clock())
        except Unverified as error:
            raise NotAuthentic(str(error)) from None
        try:
            told = opened(body, self._account.api_key)
            if told.event_type == PAID:
                return _paid(told)
            if told.event_type in REFUNDED:
                return self._refunded(told)
        except (Unreadable, KeyError, TypeError, ValueError) as error:
            raise NotUnderstood(type(error).__name__) from None
        return None

    def _refunded(self, told: Notification) -> Notice:
        """The resource of a refund names the merchant only; the application is the payment's."""
        said, at = told.resource, when(told.resource.get("success_time"))
        return Notice(
            vendor=Vendor.WECHAT,
            notice_id=told.id,
            kind=NoticeKind.REFUND,
            out_trade_no=_text(said, "out_trade_no"),
            transaction_id=_text(said, "transaction_id"),
            amount_fen=_fen(said, "refund"),
            app_id="",
            seller_id=_text(said, "mchid"),
            at=at or self._clock(),
            raw=_text(said, "refund_status"),
            out_refund_no=_text(said, "out_refund_no"),
            refund_id=_text(said, "refund_id"),
            refund_state=REFUNDED[told.event_type],
        )


def _paid(told: Notification) -> Notice:
    said = told.resource
    at = when(said["success_time"])
    if at is None or said["trade_state"] not in ("SUCCESS", "REFUND"):
        raise NotUnderstood("not paid")
    return Notice(
        vendor=Vendor.WECHAT,
        notice_id=told.id,
        kind=NoticeKind.PAID,
        out_trade_no=_text(said, "out_trade_no"),
        transaction_id=_text(said, "transaction_id"),
        amount_fen=_fen(said, "total"),
        app_id=_text(said, "appid"),
        seller_id=_text(said, "mchid"),
        at=at,
        raw=_text(said, "trade_state"),
        currency=_text(said["amount"], "currency"),
    )


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said[name]
    if not isinstance(value, str) or not 0 < len(value) <= 128:
        raise NotUnderstood(name)
    return value


def _fen(said: Mapping[str, Any], name: str) -> int:
    value = said["amount"][name]
    if type(value) is not int or value < 0:
        raise NotUnderstood(name)
    return value
