"""What can go wrong with charges and payments."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class InvalidCharge(Invalid):
    """An amount that is not positive or beyond twenty million yuan, or a title that is empty or too long."""

    code = "INVALID_CHARGE"
    messages: ClassVar[Messages] = {
        "zh-CN": "应收金额须大于零且不超过两千万元，标题须为 1 到 200 字",
        "en": "A charge has an amount of up to twenty million yuan and a title of 1 to 200 characters",
    }


class ChargeExists(Conflict):
    """There is a live charge of the same thing already."""

    code = "CHARGE_EXISTS"
    messages: ClassVar[Messages] = {"zh-CN": "该项目已有应收款", "en": "This has been charged already"}


class ChargeFrozen(Conflict):
    """An order holds the charge, or it is paid or void."""

    code = "CHARGE_FROZEN"
    messages: ClassVar[Messages] = {
        "zh-CN": "该应收款已在支付中、已支付或已作废，不能更改",
        "en": "The charge is being paid, is paid or is void, and cannot be changed",
    }


class MixedHomes(Invalid):
    """Charges of more than one home in one order."""

    code = "MIXED_HOMES"
    messages: ClassVar[Messages] = {"zh-CN": "一次只能支付同一住户的账单", "en": "One order pays for one home"}


class TooManyCharges(Invalid):
    """No charge, or more than one order takes."""

    code = "TOO_MANY_CHARGES"
    messages: ClassVar[Messages] = {
        "zh-CN": "一次支付 1 到 {most} 笔账单",
        "en": "An order pays 1 to {most} charges",
    }


class ChargeHeld(Conflict):
    """Another order holds the charge, or it is paid or void."""

    code = "CHARGE_HELD"
    messages: ClassVar[Messages] = {
        "zh-CN": "账单已在其他订单中支付，或已支付、已作废",
        "en": "The charge is in another order, or is paid or void",
    }


class OrderClosed(Conflict):
    """The order is paid, cancelled or past its time."""

    code = "ORDER_CLOSED"
    messages: ClassVar[Messages] = {
        "zh-CN": "订单已支付、已取消或已过期",
        "en": "The order is paid, cancelled or past its time",
    }


class ChannelNotOffered(Invalid):
    """The vendor of the channel is not configured here."""

    code = "CHANNEL_NOT_OFFERED"
    messages: ClassVar[Messages] = {"zh-CN": "暂不支持该支付方式", "en": "This way to pay is not offered"}


class PayerNeeded(Invalid):
    """The channel is opened for one payer: inside WeChat, whose openid must be told."""

    code = "PAYER_NEEDED"
    messages: ClassVar[Messages] = {
        "zh-CN": "微信内支付须提供付款人的 openid",
        "en": "Paying inside WeChat needs the payer's openid",
    }


class NotRefundable(Conflict):
    """The charge is not paid, or less of it is left than is asked for."""

    code = "NOT_REFUNDABLE"
    messages: ClassVar[Messages] = {
        "zh-CN": "未支付，或可退金额不足",
        "en": "It is not paid, or less is left than you ask for",
    }


class RefundNotFailed(Conflict):
    """The refund is under way, made, replaced or paid back by hand: there is nothing to do about it."""

    code = "REFUND_NOT_FAILED"
    messages: ClassVar[Messages] = {
        "zh-CN": "该退款未失败，或已重新发起、已由物业退还",
        "en": "The refund has not failed, or was sent again or paid back by hand already",
    }


class InvoiceAsked(Conflict):
    """The invoice of the receipt was asked for before."""

    code = "INVOICE_ASKED"
    messages: ClassVar[Messages] = {"zh-CN": "已申请过发票", "en": "The invoice was asked for already"}


class NothingToInvoice(Conflict):
    """All that was paid by the receipt went back, or is going back."""

    code = "NOTHING_TO_INVOICE"
    messages: ClassVar[Messages] = {"zh-CN": "款项已全部退回，无可开票金额", "en": "All that was paid was refunded"}


class InvalidTaxNumber(Invalid):
    """Not a taxpayer's number."""

    code = "INVALID_TAX_NUMBER"
    messages: ClassVar[Messages] = {
        "zh-CN": "企业抬头须填写 15 至 20 位纳税人识别号",
        "en": "A company gives its taxpayer number of 15 to 20 letters and digits",
    }


class Settled(Conflict):
    """Somebody dealt with it before."""

    code = "SETTLED"
    messages: ClassVar[Messages] = {"zh-CN": "已处理", "en": "This was dealt with already"}
