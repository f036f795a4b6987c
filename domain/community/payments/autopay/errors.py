"""What may be wrong with auto-pay."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class InvalidLimit(Invalid):
    """A limit that is not positive, or of a month below that of one payment."""

    code = "INVALID_LIMIT"
    messages: ClassVar[Messages] = {
        "zh-CN": "单笔限额须大于零，且不超过每月限额；每月限额不超过两千万元",
        "en": "A limit is above zero; a month's is at least that of one payment and at most twenty million yuan",
    }


class NoKinds(Invalid):
    """Nothing that would be paid."""

    code = "NO_KINDS"
    messages: ClassVar[Messages] = {"zh-CN": "请选择自动缴费的费用类别", "en": "Say what is to be paid"}


class AutopayNotOffered(Invalid):
    """The vendor is not configured for agreements here."""

    code = "AUTOPAY_NOT_OFFERED"
    messages: ClassVar[Messages] = {"zh-CN": "暂不支持该渠道的自动缴费", "en": "Auto-pay is not offered there"}


class AutopayExists(Conflict):
    """The home has auto-pay already, or somebody of it is about to sign."""

    code = "AUTOPAY_EXISTS"
    messages: ClassVar[Messages] = {"zh-CN": "该住户已开通自动缴费", "en": "The home has auto-pay already"}


class AutopayOver(Conflict):
    """It has ended, or is not in a state for this."""

    code = "AUTOPAY_OVER"
    messages: ClassVar[Messages] = {
        "zh-CN": "自动缴费已结束，或当前状态不能进行此操作",
        "en": "Auto-pay has ended, or is not in a state for this",
    }
