"""What is answered instead of bills."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Invalid, Messages


class UnknownBillKey(Invalid):
    """The supplier does not know the account number."""

    code = "UNKNOWN_BILL_KEY"
    messages: ClassVar[Messages] = {"zh-CN": "缴费机构没有该户号", "en": "The supplier does not know this account"}


class UnknownSupplier(Invalid):
    """Nobody says under which name the supplier of an account is to be asked for."""

    code = "UNKNOWN_SUPPLIER"
    messages: ClassVar[Messages] = {"zh-CN": "未配置该缴费机构", "en": "This supplier is not configured"}
