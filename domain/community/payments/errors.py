"""What can go wrong with charges and payments."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class InvalidCharge(Invalid):
    """An amount that is not positive or beyond a hundred million yuan, or a title that is empty or too long."""

    code = "INVALID_CHARGE"
    messages: ClassVar[Messages] = {
        "zh-CN": "应收金额须大于零，标题须为 1 到 200 字",
        "en": "A charge has a positive amount and a title of 1 to 200 characters",
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
