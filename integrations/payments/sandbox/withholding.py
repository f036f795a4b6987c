"""Alipay's payments that are taken by an agreement (商家扣款): signing, query, ending, and ``alipay.trade.pay``.

Source: Alipay Open Platform: user agreement page sign, query and unsign, trade pay with ``agreement_params``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from domain.kernel.clock import Clock
from domain.kernel.money import yuan_of
from integrations.payments.sandbox.agreements import NORMAL, Agreement, AgreementBook
from integrations.payments.sandbox.alipay import WITHHOLDING, AlipayGateway, Call, Wrong
from integrations.payments.sandbox.alipay_says import BUYER, LOGON, china, status_of
from integrations.payments.sandbox.book import Book, Refused, Stage
from integrations.payments.sandbox.keys import ALIPAY_APP_ID, SIGN_SCENE

PERSONAL: Final = "GENERAL_WITHHOLDING_P"
SIGN: Final = "alipay.user.agreement.page.sign"
CHANNELS: Final = ("ALIPAYAPP", "QRCODE", "QRCODEORSMS")


class Withholding:
    """What the gateway does with agreements, and what the customer does on its pages."""

    def __init__(self, gateway: AlipayGateway, book: Book, agreed: AgreementBook, *, clock: Clock) -> None:
        self._gateway = gateway
        self._book = book
        self._clock = clock
        self.agreed = agreed
        acts = {
            "alipay.user.agreement.query": self._query,
            "alipay.user.agreement.unsign": self._unsign,
            "alipay.trade.pay": self._pay,
        }
        gateway.offer(acts, {SIGN: lambda call: f"/cashier/agreements/{self._asked(call).handle}"})

    def opened(self, code: str) -> Agreement:
        """The agreement of a page's address, or of the address that opens Alipay's app. Raises Wrong or Refused."""
        query = urlsplit(code).query
        query = parse_qs(query).get("sign_params", [query])[0]
        call = self._gateway.verified(dict(parse_qsl(query, keep_blank_values=True)))
        if call.method != SIGN:
            raise Wrong("isv.invalid-method", "不存在的方法名")
        return self._asked(call)

    def sign(self, agreement: Agreement) -> None:
        """The customer signs, and the merchant is told. Raises Refused."""
        self.agreed.sign(agreement)
        self._tell(agreement, "dut_user_sign", NORMAL)

    def end(self, agreement: Agreement) -> None:
        """The customer or the merchant ends it, and the merchant is told. Raises Refused."""
        if self.agreed.end(agreement):
            self._tell(agreement, "dut_user_unsign", "UNSIGN")

    def _asked(self, call: Call) -> Agreement:
        products = (call.content.get("personal_product_code"), call.content.get("product_code", WITHHOLDING))
        access = call.content.get("access_params")
        if products != (PERSONAL, WITHHOLDING) or call.content.get("sign_scene") != SIGN_SCENE:
            raise Wrong("isv.invalid-parameter", "参数无效：personal_product_code, product_code, sign_scene")
        if not isinstance(access, dict) or access.get("channel") not in CHANNELS:
            raise Wrong("isv.invalid-parameter", "参数无效：access_params")
        number = call.text("external_agreement_no", 32)
        return self.agreed.open(Agreement(number, SIGN_SCENE, call.said.get("notify_url", "")))

    def _found(self, call: Call) -> Agreement:
        if call.content.get("personal_product_code", PERSONAL) != PERSONAL:
            raise Refused("NO_AGREEMENT")
        return self.agreed.find(
            number=str(call.content.get("external_agreement_no") or ""),
            agreement_no=str(call.content.get("agreement_no") or ""),
        )

    def _query(self, call: Call, _: str) -> dict[str, Any]:
        found = self._found(call)
        said = {
            "external_agreement_no": found.number,
            "personal_product_code": PERSONAL,
            "sign_scene": found.scene,
            "status": found.status,
            "alipay_logon_id": LOGON,
            "principal_id": BUYER,
        }
        if found.signed_at is not None:
            said |= {"agreement_no": found.agreement_no, "sign_time": china(found.signed_at)}
        return said

    def _unsign(self, call: Call, _: str) -> dict[str, Any]:
        self.end(self._found(call))
        return {}

    def _pay(self, call: Call, _: str) -> dict[str, Any]:
        """Take a payment; one that was refused leaves a trade that waits, as at Alipay, and may be tried again."""
        params = call.content.get("agreement_params")
        if call.content.get("product_code") != WITHHOLDING or not isinstance(params, dict):
            raise Wrong("isv.invalid-parameter", "参数无效：product_code, agreement_params")
        try:
            agreement = self.agreed.find(agreement_no=str(params.get("agreement_no") or ""))
        except Refused:
            raise Refused("NOT_AGREED") from None
        trade = self._book.open(self._gateway.trade(call))
        self._book.see(trade)
        self.agreed.take(agreement, trade.total)
        self._book.pay(trade, payer=BUYER)
        self._gateway.told(trade, status=status_of(trade))
        assert trade.stage is Stage.PAID  # noqa: S101 - it was paid above
        assert trade.paid_at is not None  # noqa: S101 - what is paid has its time
        return {
            "out_trade_no": trade.out_trade_no,
            "trade_no": trade.trade_no,
            "total_amount": yuan_of(trade.total),
            "receipt_amount": yuan_of(trade.total),
            "buyer_pay_amount": yuan_of(trade.total),
            "buyer_logon_id": LOGON,
            "buyer_user_id": BUYER,
            "gmt_payment": china(trade.paid_at),
        }

    def _tell(self, agreement: Agreement, kind: str, status: str) -> None:
        if not agreement.notify_url:
            return

        def say(id_: str, at: datetime) -> dict[str, str]:
            said = {
                "agreement_no": agreement.agreement_no,
                "alipay_logon_id": LOGON,
                "alipay_user_id": BUYER,
                "app_id": ALIPAY_APP_ID,
                "auth_app_id": ALIPAY_APP_ID,
                "charset": "UTF-8",
                "external_agreement_no": agreement.number,
                "notify_id": id_,
                "notify_time": china(at),
                "notify_type": kind,
                "personal_product_code": PERSONAL,
                "sign_scene": agreement.scene,
                "status": status,
                "version": "1.0",
            }
            when = ("sign_time", agreement.signed_at) if status == NORMAL else ("unsign_time", agreement.ended_at)
            return said | ({when[0]: china(when[1])} if when[1] is not None else {})

        self._gateway.tell(agreement.notify_url, say)
