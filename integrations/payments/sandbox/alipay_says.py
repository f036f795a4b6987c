"""Trades, refunds and notifications in Alipay's words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import orjson

from domain.kernel.money import yuan_of
from integrations.payments.alipay.signing import CHINA
from integrations.payments.sandbox.book import Refund, Stage, Trade
from integrations.payments.sandbox.keys import ALIPAY_APP_ID, SELLER_ID

BUYER: Final = "2088000000000099"
LOGON: Final = "exa***@sandbox.test"


def written(answer: dict[str, Any]) -> str:
    """JSON as the gateway writes it: slashes are escaped, which a parser that writes anew loses."""
    return orjson.dumps(answer).decode().replace("/", "\\/")


def china(at: datetime) -> str:
    """``yyyy-MM-dd HH:mm:ss`` in China's time."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def status_of(trade: Trade) -> str:
    """Alipay's name for where a trade stands; given back whole, it is closed."""
    if trade.stage is Stage.OPEN:
        return "WAIT_BUYER_PAY"
    return "TRADE_CLOSED" if trade.stage is Stage.CLOSED or trade.refunded == trade.total else "TRADE_SUCCESS"


def trade_said(trade: Trade) -> dict[str, Any]:
    """A trade, as its query answers it."""
    said = {
        "buyer_logon_id": LOGON,
        "buyer_user_id": BUYER,
        "out_trade_no": trade.out_trade_no,
        "total_amount": yuan_of(trade.total),
        "trade_no": trade.trade_no,
        "trade_status": status_of(trade),
    }
    if trade.paid_at is not None:
        said |= {"send_pay_date": china(trade.paid_at), "receipt_amount": yuan_of(trade.total)}
        said |= {
            "buyer_pay_amount": yuan_of(trade.total),
            "point_amount": "0.00",
            "invoice_amount": yuan_of(trade.total),
        }
    return said


def refund_said(trade: Trade, *, changed: bool) -> dict[str, Any]:
    """A refund's answer: the sum of all refunds, and whether this call moved money."""
    return {
        "buyer_logon_id": LOGON,
        "fund_change": "Y" if changed else "N",
        "out_trade_no": trade.out_trade_no,
        "refund_fee": yuan_of(trade.refunded),
        "send_back_fee": "0.00",
        "trade_no": trade.trade_no,
    }


def refund_query_said(trade: Trade, refund: Refund | None) -> dict[str, Any]:
    """One refund; for a number that is none only the trade's numbers."""
    said = {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}
    if refund is None or refund.done_at is None:
        return said
    return said | {
        "out_request_no": refund.out_refund_no,
        "refund_amount": yuan_of(refund.amount),
        "refund_status": "REFUND_SUCCESS",
        "gmt_refund_pay": china(refund.done_at),
        "total_amount": yuan_of(trade.total),
    }


def notice_said(trade: Trade, *, status: str, id_: str, at: datetime, refund: Refund | None) -> dict[str, str]:
    """The parameters of a notification, without its signature."""
    total = yuan_of(trade.total)
    said = {
        "app_id": ALIPAY_APP_ID,
        "auth_app_id": ALIPAY_APP_ID,
        "buyer_id": BUYER,
        "buyer_logon_id": LOGON,
        "charset": "utf-8",
        "gmt_create": china(trade.opened_at),
        "notify_id": id_,
        "notify_time": china(at),
        "notify_type": "trade_status_sync",
        "out_trade_no": trade.out_trade_no,
        "seller_id": SELLER_ID,
        "subject": trade.title,
        "total_amount": total,
        "trade_no": trade.trade_no,
        "trade_status": status,
        "version": "1.0",
    }
    if trade.paid_at is not None:
        said |= {"gmt_payment": china(trade.paid_at), "receipt_amount": total, "buyer_pay_amount": total}
        said["fund_bill_list"] = orjson.dumps([{"amount": total, "fundChannel": "ALIPAYACCOUNT"}]).decode()
    if trade.closed_at is not None:
        said["gmt_close"] = china(trade.closed_at)
    if refund is not None and refund.done_at is not None:
        said |= {"refund_fee": yuan_of(trade.refunded), "gmt_refund": f"{china(refund.done_at)}.000"}
        said["out_biz_no"] = refund.out_refund_no
    return said
