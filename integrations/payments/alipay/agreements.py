"""Alipay as the domain's ``AgreementPort``: 商家扣款 (GENERAL_WITHHOLDING), signed on a page and taken without one.

Source: Alipay Open Platform, "alipay.user.agreement.page.sign", "… .query", "… .unsign", and "alipay.trade.pay" with
``agreement_params``. The merchant's contract names the scene (``sign_scene``) under which agreements are signed.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from domain.community.payments.autopay.ports import Agreement, AgreementState
from domain.community.payments.ports import GatewayRefused, NewTrade, Party, Prepay, Trade, TradeState, Vendor
from domain.kernel.clock import Clock
from domain.kernel.money import InvalidAmount, fen_of, yuan_of
from integrations.payments.alipay.account import AlipayAccount, AlipayCalls
from integrations.payments.alipay.gateway import SPECIAL, SUBJECT_BYTES
from integrations.payments.alipay.signing import CHINA
from integrations.payments.calls import Caller
from integrations.payments.words import cut, when

PRODUCT: Final = "GENERAL_WITHHOLDING"
PERSONAL: Final = "GENERAL_WITHHOLDING_P"
SIGN: Final = "alipay.user.agreement.page.sign"
QUERY: Final = "alipay.user.agreement.query"
UNSIGN: Final = "alipay.user.agreement.unsign"
PAY: Final = "alipay.trade.pay"
APP: Final = "alipays://platformapi/startapp?appId=60000157&appClearTop=false&startMultApp=YES&sign_params="
STATES: Final = {"TEMP": AgreementState.ABSENT, "NORMAL": AgreementState.SIGNED, "STOP": AgreementState.ENDED}
NONE: Final = "USER_AGREEMENT_NOT_EXIST"
NOT_REFUSED: Final = ("10003", "ACQ.TRADE_HAS_SUCCESS", "ACQ.CONTEXT_INCONSISTENT")
"""Answers after which the trade may be paid, now or soon: it is waited for, was paid before, or stands otherwise."""


class AlipayAgreements:
    """Implements ``AgreementPort`` for one application. scene: such as ``INDUSTRY|…``, as its contract says."""

    vendor = Vendor.ALIPAY

    def __init__(self, account: AlipayAccount, caller: Caller, *, clock: Clock, scene: str) -> None:
        self._account = account
        self._caller = caller
        self._calls = AlipayCalls(account, caller, clock=clock)
        self._scene = scene

    @property
    def party(self) -> Party:
        """The application and the seller."""
        return Party(self._account.merchant.app_id, self._account.seller_id)

    def sign(self, number: str) -> Prepay:
        """The page with a code to scan, and the address that opens Alipay's app."""
        page, app = (self._signing(number, channel) for channel in ("QRCODE", "ALIPAYAPP"))
        return Prepay({"app": f"{APP}{quote(app, safe='')}"}, f"{self._account.gateway}?{page}")

    def _signing(self, number: str, channel: str) -> str:
        content = self._named(number) | {"product_code": PRODUCT, "access_params": {"channel": channel}}
        return self._calls.signed(SIGN, content, notify_url=self._account.notify_url)

    async def query(self, number: str) -> Agreement:
        """What Alipay says of the agreement of that number of ours."""
        try:
            said = await self._calls.call(QUERY, self._named(number))
        except GatewayRefused as refused:
            if str(refused.params.get("reason", "")).endswith(NONE):
                return Agreement(number, AgreementState.ABSENT)
            raise self._caller.unknown("agreement", code=refused.params.get("reason")) from None
        state = STATES.get(str(said.get("status")))
        if state is None or said.get("external_agreement_no", number) != number:
            raise self._caller.unknown("another_agreement")
        vendor_number = self._text(said, "agreement_no") if state is AgreementState.SIGNED else ""
        return Agreement(number, state, vendor_number)

    async def unsign(self, number: str) -> None:
        """End the agreement; whatever Alipay does not have is ended."""
        try:
            await self._calls.call(UNSIGN, self._named(number), notify_url=self._account.notify_url)
        except GatewayRefused as refused:
            if not str(refused.params.get("reason", "")).endswith(NONE):
                raise

    async def deduct(self, trade: NewTrade, vendor_number: str) -> Trade:
        """Take the payment; what Alipay waits for, or answers in another way, is unknown and asked for by number."""
        content = {
            "out_trade_no": trade.out_trade_no,
            "total_amount": yuan_of(trade.amount_fen),
            "subject": cut(trade.title.translate(SPECIAL), SUBJECT_BYTES),
            "product_code": PRODUCT,
            "agreement_params": {"agreement_no": vendor_number},
            "time_expire": f"{trade.expires_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        }
        try:
            said = await self._calls.call(PAY, content, notify_url=self._account.notify_url)
        except GatewayRefused as refused:
            if refused.params.get("reason") in NOT_REFUSED:
                raise self._caller.unknown("deduct", code=refused.params.get("reason")) from None
            raise
        paid_at = when(said.get("gmt_payment"))
        if said.get("out_trade_no") != trade.out_trade_no or paid_at is None:
            raise self._caller.unknown("another_trade")
        try:
            amount = fen_of(self._text(said, "total_amount"))
        except InvalidAmount:
            raise self._caller.unknown("without", name="total_amount") from None
        return Trade(
            trade.out_trade_no,
            TradeState.PAID,
            "TRADE_SUCCESS",
            transaction_id=self._text(said, "trade_no"),
            amount_fen=amount,
            currency=str(said.get("trans_currency", "CNY")),
            app_id=self._account.merchant.app_id,
            seller_id=self._account.seller_id,
            paid_at=paid_at,
        )

    def _named(self, number: str) -> dict[str, Any]:
        return {"external_agreement_no": number, "personal_product_code": PERSONAL, "sign_scene": self._scene}

    def _text(self, said: dict[str, Any], name: str) -> str:
        value = said.get(name)
        if not isinstance(value, str) or not value:
            raise self._caller.unknown("without", name=name)
        return value
