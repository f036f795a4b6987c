"""Trades and refunds in WeChat Pay's words."""

from __future__ import annotations

from typing import Any, Final

from integrations.payments.sandbox.book import Refund, Stage, Trade
from integrations.payments.sandbox.keys import MCHID
from integrations.payments.sandbox.wechat_wire import moment

STATES: Final = {Stage.OPEN: ("NOTPAY", "订单未支付"), Stage.CLOSED: ("CLOSED", "订单已关闭")}


def trade_said(trade: Trade) -> dict[str, Any]:
    """A transaction, as queries answer it and notifications hold it."""
    said: dict[str, Any] = {
        "amount": {"currency": "CNY", "total": trade.total},
        "appid": trade.appid,
        "mchid": MCHID,
        "out_trade_no": trade.out_trade_no,
        "promotion_detail": [],
        "payer": {"openid": trade.payer} if trade.payer else {},
    }
    if trade.stage is not Stage.PAID or trade.paid_at is None:
        said["trade_state"], said["trade_state_desc"] = STATES[trade.stage]
        return said
    state, told = ("REFUND", "订单发生过退款") if trade.refunds else ("SUCCESS", "支付成功")
    return said | {
        "amount": {"currency": "CNY", "payer_currency": "CNY", "payer_total": trade.total, "total": trade.total},
        "attach": "",
        "bank_type": "OTHERS",
        "success_time": moment(trade.paid_at),
        "trade_state": state,
        "trade_state_desc": told,
        "trade_type": trade.kind.upper(),
        "transaction_id": trade.trade_no,
    }


def refund_said(trade: Trade, refund: Refund) -> dict[str, Any]:
    """A refund, as the call and its query answer it."""
    said: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": moment(refund.asked_at),
        "status": refund.failed or ("PROCESSING" if refund.done_at is None else "SUCCESS"),
        "funds_account": "AVAILABLE",
        "promotion_detail": [],
        "amount": {
            "total": trade.total,
            "refund": refund.amount,
            "payer_total": trade.total,
            "payer_refund": refund.amount,
            "settlement_refund": refund.amount,
            "settlement_total": trade.total,
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    return said if refund.done_at is None else said | {"success_time": moment(refund.done_at)}


def refund_notice(trade: Trade, refund: Refund) -> dict[str, Any]:
    """A refund as its notification holds it: other names than in the answers."""
    said = refund_said(trade, refund)
    names = ("transaction_id", "out_trade_no", "refund_id", "out_refund_no", "success_time", "user_received_account")
    amounts = {name: said["amount"][name] for name in ("total", "refund", "payer_total", "payer_refund")}
    return {"mchid": MCHID, "refund_status": said["status"], "amount": amounts} | {
        name: said[name] for name in names if name in said
    }
