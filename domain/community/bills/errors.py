"""What can go wrong with commands on bills."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class AccountInUse(Conflict):
    """The number is registered for a home of the compound already."""

    code = "ACCOUNT_IN_USE"
    messages: ClassVar[Messages] = {
        "zh-CN": "该户号已登记在本小区的住户名下",
        "en": "This account number is registered for a home of the compound already",
    }


class InvalidAccountNumber(Invalid):
    """Not an account number of a supplier."""

    code = "INVALID_ACCOUNT_NUMBER"
    messages: ClassVar[Messages] = {
        "zh-CN": "户号为 4 到 32 位字母或数字",
        "en": "An account number has 4 to 32 letters or digits",
    }


class BillClosed(Conflict):
    """The bill was replaced or written off, or it was corrected already."""

    code = "BILL_CLOSED"
    messages: ClassVar[Messages] = {
        "zh-CN": "该账单已更正、已核销或为冲抵单，不能再更改",
        "en": "The bill was corrected or written off, or is a credit itself, and cannot be changed",
    }


class BillPaid(Conflict):
    """A paid bill is not written off; it can be corrected by a credit."""

    code = "BILL_PAID"
    messages: ClassVar[Messages] = {
        "zh-CN": "账单已支付，不能核销；可用更正单冲抵",
        "en": "The bill is paid and cannot be written off; correct it by a credit instead",
    }


class BillRefunded(Conflict):
    """Money of the bill went back already: a credit beside that would give it twice."""

    code = "BILL_REFUNDED"
    messages: ClassVar[Messages] = {
        "zh-CN": "该账单已（部分）退款，不能再以更正单冲抵",
        "en": "The bill was refunded, in part at least, and cannot be credited as well",
    }


class NothingToCorrect(Invalid):
    """The correction comes to what the bill says already."""

    code = "NOTHING_TO_CORRECT"
    messages: ClassVar[Messages] = {
        "zh-CN": "更正后的金额与原账单相同",
        "en": "The corrected bill comes to the same amount",
    }


class InvalidLines(Invalid):
    """No lines, too many, or a sum that is not above zero."""

    code = "INVALID_LINES"
    messages: ClassVar[Messages] = {
        "zh-CN": "账单须有 1 到 {most} 行明细，合计大于零",
        "en": "A bill has 1 to {most} lines that come to more than zero",
    }


class InvalidDeposit(Invalid):
    """A deposit that is not above zero, or beyond a million yuan."""

    code = "INVALID_DEPOSIT"
    messages: ClassVar[Messages] = {
        "zh-CN": "预存金额须大于零且不超过一百万元",
        "en": "A deposit is above zero and at most a million yuan",
    }


class PrepaidTooLittle(Conflict):
    """The home has not paid so much ahead, or bills have used it since."""

    code = "PREPAID_TOO_LITTLE"
    messages: ClassVar[Messages] = {
        "zh-CN": "预存余额不足",
        "en": "The home has not paid so much ahead",
    }


class AlreadyEnded(Conflict):
    """The account, rule or meter is out of use already."""

    code = "ALREADY_ENDED"
    messages: ClassVar[Messages] = {"zh-CN": "已停用", "en": "It is out of use already"}
