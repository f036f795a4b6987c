"""Bills of water, electricity and gas through Alipay, which speaks for the suppliers (生活缴费).

Source: Alipay Open Platform, ``alipay.ebpp.jfexport.instbill.query`` with its model of a bill.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from domain.community.bills.pull.errors import UnknownBillKey, UnknownSupplier
from domain.community.bills.pull.ports import InstBill, InstBillQuery, InstBills, SubBizType
from domain.community.payments.ports import GatewayRefused
from integrations.payments.alipay.account import AlipayCalls
from integrations.payments.calls import Caller

METHOD: Final = "alipay.ebpp.jfexport.instbill.query"
BIZ_TYPE: Final = "JF"
WRAPPER: Final = "jf_export_inst_bill_model"
# Suppliers' own words come through; one that is not among these is a refusal, and is asked again another day.
UNKNOWN_KEY: Final = re.compile(r"BILL_?KEY|USER_NOT_EXIST|ACCOUNT_NOT_EXIST")
NO_DEBTS: Final = re.compile(r"NO_?DEBT|NOT_OWE|NO_?BILL|BILL_NOT_EXIST")
_DAY: Final = re.compile(r"[0-9]{8}")

ChargeInsts = Mapping[tuple[SubBizType, str], str]
"""Alipay's short name of a supplier by kind and the name the office writes; the name "" stands for all others."""


class AlipayUtilities:
    """Implements ``UtilityBillPort`` for one application, with the suppliers of ``insts``."""

    def __init__(self, calls: AlipayCalls, caller: Caller, insts: ChargeInsts) -> None:
        self._calls = calls
        self._caller = caller
        self._insts = insts

    @property
    def sub_biz_types(self) -> frozenset[SubBizType]:
        """Kinds of which at least one supplier is set."""
        return frozenset(kind for kind, _ in self._insts)

    async def instbill_query(self, query: InstBillQuery) -> InstBills:
        """The open bills of an account. The answer must be of the account that was asked for.

        Raises UnknownSupplier, UnknownBillKey, GatewayRefused, GatewayUnknown.
        """
        kind = query.sub_biz_type
        inst = self._insts.get((kind, query.charge_inst)) or self._insts.get((kind, ""))
        if inst is None:
            raise UnknownSupplier
        asked = {"biz_type": BIZ_TYPE, "sub_biz_type": str(kind), "charge_inst": inst, "bill_key": query.bill_key}
        try:
            said = await self._calls.call(METHOD, asked)
        except GatewayRefused as refused:
            reason = str(refused.params.get("reason")).upper()
            if NO_DEBTS.search(reason):
                return InstBills()
            if UNKNOWN_KEY.search(reason):
                raise UnknownBillKey from None
            raise
        if said.get("bill_key", query.bill_key) != query.bill_key:
            raise self._caller.unknown("another_account")
        bills = tuple(self._bill(each, query) for each in self._listed(said.get("inst_bills")))
        return InstBills(bills, str(said.get("charge_mode") or ""))

    def _listed(self, told: Any) -> list[Any]:
        """The bills of an answer; older gateways wrap them once more."""
        bills = told.get(WRAPPER) if isinstance(told, dict) else told
        if not isinstance(bills, list | None):
            raise self._caller.unknown("inst_bills")
        return bills or []

    def _bill(self, told: Any, query: InstBillQuery) -> InstBill:
        """A bill without whose it is: names stay outside."""
        if not isinstance(told, dict) or told.get("bill_key", query.bill_key) != query.bill_key:
            raise self._caller.unknown("another_account")
        text = {name: str(told[name]) for name in InstBill.__slots__ if told.get(name) not in (None, "")}
        day = text.get("bill_date", "")
        return InstBill(
            text.get("amount", ""),
            day[:6] if _DAY.fullmatch(day) else day,
            text.get("inst_bill_no", ""),
            text.get("bill_fines", "0"),
            text.get("balance", "0"),
            text.get("uniq_id", ""),
        )
