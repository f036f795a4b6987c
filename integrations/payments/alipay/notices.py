"""Alipay's notifications in the domain's words. Source: Alipay Open Platform, "异步通知参数说明"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from domain.community.payments.autopay.ports import AgreementNotice, AgreementState
from domain.community.payments.ports import Notice, NoticeKind, Vendor
from domain.kernel.clock import Clock
from domain.kernel.money import InvalidAmount, fen_of
from integrations.payments.alipay.account import AlipayAccount
from integrations.payments.alipay.signing import CHINA, Unverified, notified
from integrations.payments.notices import NotAuthentic, NotUnderstood

KIND: Final = "trade_status_sync"
AGREEMENTS: Final = {
    ("dut_user_sign", "NORMAL"): AgreementState.SIGNED,
    ("dut_user_unsign", "UNSIGN"): AgreementState.ENDED,
}
PAID: Final = ("TRADE_SUCCESS", "TRADE_FINISHED")
LATE: Final = timedelta(hours=26)  # the last of its eight tries comes after about twenty-five hours
EARLY: Final = timedelta(minutes=5)


class AlipayNotices:
    """Implements ``ReadsNotices``."""

    def __init__(self, account: AlipayAccount, *, clock: Clock) -> None:
        self._account = account
        self._clock = clock

    def read(self, headers: Mapping[str, str], body: bytes) -> Notice | AgreementNotice | None:
        """A payment, or that an agreement was signed or ended; None of anything else.

        A refund's notification is one of those: its amount is the sum of all refunds so far, and Alipay has answered
        each refund already when it was asked for.
        """
        try:
            said = notified(self._account.keys, body)
        except Unverified as error:
            raise NotAuthentic(str(error)) from None
        sent = _when(said, "notify_time")
        now = self._clock()
        if not now - LATE < sent < now + EARLY:
            raise NotAuthentic("not sent within the time Alipay tries for")
        agreed = AGREEMENTS.get((said.get("notify_type", ""), said.get("status", "")))
        if agreed is not None:
            if said.get("app_id") != self._account.merchant.app_id:
                raise NotAuthentic("of another application")
            return AgreementNotice(Vendor.ALIPAY, _text(said, "external_agreement_no"), agreed, sent)
        if said.get("notify_type") != KIND or said.get("trade_status") not in PAID or said.get("refund_fee"):
            return None
        try:
            amount = fen_of(_text(said, "total_amount"))
        except InvalidAmount:
            raise NotUnderstood("total_amount") from None
        return Notice(
            vendor=Vendor.ALIPAY,
            notice_id=_text(said, "notify_id"),
            kind=NoticeKind.PAID,
            out_trade_no=_text(said, "out_trade_no"),
            transaction_id=_text(said, "trade_no"),
            amount_fen=amount,
            app_id=_text(said, "app_id"),
            seller_id=_text(said, "seller_id"),
            at=_when(said, "gmt_payment"),
            raw=_text(said, "trade_status"),
        )


def _text(said: Mapping[str, str], name: str) -> str:
    value = said.get(name, "")
    if not 0 < len(value) <= 128:
        raise NotUnderstood(name)
    return value


def _when(said: Mapping[str, str], name: str) -> datetime:
    try:
        return datetime.strptime(said.get(name, ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        raise NotUnderstood(name) from None
