"""Alipay's gateway as an application calls it (``/gateway.do``), and its notifications.

Source: Alipay Open Platform: trade precreate, app, wap and page pay, query, close, refund, refund query, bill download,
suppliers' bills.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import Certificate
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from domain.community.payments.ports import Vendor
from domain.kernel.clock import Clock
from domain.kernel.money import InvalidAmount, fen_of
from integrations.payments import rsa
from integrations.payments.alipay.certificates import root_serial, serial_of
from integrations.payments.alipay.signing import CHINA
from integrations.payments.sandbox.alipay_says import (
    notice_said,
    refund_query_said,
    refund_said,
    trade_said,
    written,
)
from integrations.payments.sandbox.authority import pems
from integrations.payments.sandbox.bills import alipay_bill
from integrations.payments.sandbox.book import Book, Refund, Refused, Trade
from integrations.payments.sandbox.keys import ALIPAY_APP_ID, SandboxKeys
from integrations.payments.sandbox.notices import ALIPAY_WAITS, Delivery, Notifier
from integrations.payments.sandbox.utilities import instbills

QR: Final = "https://qr.alipay.com/"
LIFE: Final = timedelta(days=15)
QR_LIFE: Final = timedelta(hours=2)
OPENING: Final = {
    "alipay.trade.precreate": "FACE_TO_FACE_PAYMENT",
    "alipay.trade.app.pay": "QUICK_MSECURITY_PAY",
    "alipay.trade.wap.pay": "QUICK_WAP_WAY",
    "alipay.trade.page.pay": "FAST_INSTANT_TRADE_PAY",
}
WITHHOLDING: Final = "GENERAL_WITHHOLDING"
BROWSED: Final = ("alipay.trade.wap.pay", "alipay.trade.page.pay")
WORDS: Final = {
    "PAID": ("ACQ.TRADE_HAS_SUCCESS", "交易已被支付"),
    "CLOSED": ("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
    "USED": ("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改"),
    "MISSING": ("ACQ.TRADE_NOT_EXIST", "交易不存在"),
    "UNPAID": ("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"),
    "DIFFERENT": ("ACQ.DISCORDANT_REPEAT_REQUEST", "同一个退款请求号与之前的金额不一致"),
    "TOO_MUCH": ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限"),
    "SHORT": ("ACQ.SELLER_BALANCE_NOT_ENOUGH", "商户余额不足"),
    "TOO_MANY": ("ACQ.REFUND_CHARGE_ERROR", "退款次数超限"),
    "UNCLOSABLE": ("ACQ.REASON_TRADE_STATUS_INVALID", "交易状态异常"),
    "NO_ACCOUNT": ("BILL_KEY_NOT_EXIST", "户号不存在"),
    "NO_BILL": ("isp.bill_not_exist", "账单不存在"),
    "NO_AGREEMENT": ("USER_AGREEMENT_NOT_EXIST", "用户协议不存在"),
    "AGREED": ("USER_AGREEMENT_ALREADY_EXIST", "用户协议已存在"),
    "NOT_AGREED": ("ACQ.AGREEMENT_NOT_EXIST", "用户协议不存在"),
    "POOR": ("ACQ.BUYER_BALANCE_NOT_ENOUGH", "买家余额不足"),
    "OVER_QUOTA": ("ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", "买家付款日限额超限"),
}


class Wrong(Exception):
    """The request itself is not in order. Answered with code 40002 or 40001."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose signature holds: its common parameters and the content of ``biz_content``."""

    said: Mapping[str, str]
    content: Mapping[str, Any]

    @property
    def method(self) -> str:
        """Such as ``alipay.trade.query``."""
        return self.said["method"]

    def text(self, name: str, most: int = 256) -> str:
        """A needed text. Raises Wrong."""
        value = self.content.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= most:
            raise Wrong("isv.invalid-parameter", f"参数无效：{name}")
        return value

    def fen(self, name: str) -> int:
        """A needed amount above nothing, in fen. Raises Wrong."""
        value = self.content.get(name)
        try:
            fen = fen_of(f"{value}")
        except InvalidAmount:
            fen = 0
        if fen < 1 or isinstance(value, bool):
            raise Wrong("isv.invalid-parameter", f"参数无效：{name}")
        return fen


Act = Callable[[Call, str], dict[str, Any]]
Page = Callable[[Call], str]


class AlipayGateway:
    """The one endpoint, and what a buyer's app does with a signed order."""

    def __init__(self, keys: SandboxKeys, book: Book, notices: Notifier, *, clock: Clock) -> None:
        self._keys = keys
        self._book = book
        self._notices = notices
        self._clock = clock
        self._files: dict[str, bytes] = {}
        self._current = keys.alipay, keys.certificates.alipay
        self._certified = False  # the application's mode, as its last call said
        self._pages: dict[str, Page] = {}
        self._acts: dict[str, Act] = {
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._query_refund,
            "alipay.data.dataservice.bill.downloadurl.query": self._bill,
            "alipay.ebpp.jfexport.instbill.query": self._instbills,
            "alipay.open.app.alipaycert.download": self._certificate,
        }

    def offer(self, acts: Mapping[str, Act], pages: Mapping[str, Page]) -> None:
        """Answer further methods: with data, or by leading to a page of the cashier."""
        self._acts |= acts
        self._pages |= pages

    def routes(self) -> list[Route]:
        """The gateway and where its bills lie."""
        return [
            Route("/gateway.do", self._gateway, methods=["GET", "POST"]),
            Route("/downloadBillFile.resource", self._file, methods=["GET"]),
        ]

    def renew(self, key: RSAPrivateKey, chain: tuple[Certificate, ...]) -> None:
        """Sign with another certificate from now on, where the application is in certificate mode."""
        self._current = key, chain

    def opened(self, query: str) -> Trade:
        """The trade of a signed order as an app is given it, or of a page's address. Raises Wrong or Refused."""
        call = self.verified(dict(parse_qsl(query, keep_blank_values=True)))
        if call.method not in OPENING:
            raise Wrong("isv.invalid-method", "不存在的方法名")
        trade = self._book.open(self.trade(call))
        self._book.see(trade)
        return trade

    def told(self, trade: Trade, *, status: str, refund: Refund | None = None) -> None:
        """Tell the application where a trade stands."""
        if not trade.notify_url:
            return
        self.tell(trade.notify_url, lambda id_, at: notice_said(trade, status=status, id_=id_, at=at, refund=refund))

    def tell(self, url: str, say: Callable[[str, datetime], dict[str, str]]) -> None:
        """Send a notification to ``url``. say: its parameters, by its id and the time of each try."""
        now, id_ = self._clock(), f"{self._clock():%Y%m%d}00{secrets.token_hex(12)}"

        def make(at: datetime) -> tuple[dict[str, str], bytes]:
            said = say(id_, at)
            signed = said | {"sign": rsa.sign(self._signing, _sorted(said)), "sign_type": "RSA2"}
            kind = "application/x-www-form-urlencoded; charset=utf-8"
            return {"content-type": kind}, urlencode(signed).encode()

        self._notices.add(Delivery(url, make, lambda _, body: body == b"success", ALIPAY_WAITS, now))

    async def _gateway(self, request: Request) -> Response:
        said = dict(request.query_params)
        if request.method == "POST":
            form = await request.form()
            twice = said.keys() & form.keys()
            said |= {name: str(value) for name, value in form.items()}
            if twice:
                return self._answer("error", {"code": "40002", "msg": "Invalid Arguments"})
        name = said.get("method", "").replace(".", "_") or "error"
        try:
            call = self.verified(said)
            if (page := self._pages.get(call.method)) is not None:
                return RedirectResponse(page(call), 303)
            if call.method in BROWSED:
                trade = self.opened(urlencode(said))
                return RedirectResponse(f"/cashier/{trade.handle}", 303)
            act = self._acts.get(call.method)
            if act is None:
                raise Wrong("isv.invalid-method", "不存在的方法名")
            answer = {"code": "10000", "msg": "Success"} | act(call, str(request.base_url))
        except Wrong as error:
            answer = {"code": "40002", "msg": "Invalid Arguments", "sub_code": error.code, "sub_msg": error.message}
        except Refused as error:
            code, message = WORDS[error.code]
            answer = {"code": "40004", "msg": "Business Failed", "sub_code": code, "sub_msg": message}
        return self._answer(name, answer)

    def _answer(self, name: str, answer: dict[str, Any]) -> Response:
        raw = written(answer)
        serial = f'"alipay_cert_sn":"{serial_of(self._current[1][0])}",' if self._certified else ""
        text = f'{{"{name}_response":{raw},{serial}"sign":"{rsa.sign(self._signing, raw.encode())}"}}'
        return Response(text, media_type="text/html;charset=utf-8")

    @property
    def _signing(self) -> RSAPrivateKey:
        return self._current[0] if self._certified else self._keys.alipay

    def verified(self, said: dict[str, str]) -> Call:
        """A call whose signature holds. Raises Wrong."""
        if said.get("app_id") != ALIPAY_APP_ID:
            raise Wrong("isv.invalid-app-id", "无效的AppID参数")
        if said.get("sign_type") != "RSA2":
            raise Wrong("isv.invalid-signature-type", "无效签名类型")
        if not rsa.verifies(self._keys.app.public_key(), _sorted(said), said.get("sign", "")):
            raise Wrong("isv.invalid-signature", "无效签名")
        certificates, names = self._keys.certificates, ("app_cert_sn", "alipay_root_cert_sn")
        self._certified = any(said.get(name) for name in names)
        right = (serial_of(certificates.app), root_serial(certificates.roots))
        if self._certified and tuple(said.get(name) for name in names) != right:
            raise Wrong("isv.invalid-app-cert-sn", "应用证书或支付宝根证书序列号不匹配")
        if said.get("version") != "1.0" or said.get("charset", "").lower() != "utf-8":
            raise Wrong("isv.invalid-parameter", "参数无效：version, charset")
        try:
            datetime.strptime(said.get("timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
            content = orjson.loads(said.get("biz_content", "{}"))
        except ValueError:
            raise Wrong("isv.invalid-timestamp", "非法的时间戳参数或请求内容") from None
        if not isinstance(content, dict):
            raise Wrong("isv.invalid-parameter", "参数无效：biz_content")
        return Call(said, content)

    def trade(self, call: Call) -> Trade:
        """The trade that a call opens. Raises Wrong."""
        now, total, subject = self._clock(), call.fen("total_amount"), call.text("subject")
        wanted = OPENING.get(call.method, WITHHOLDING)
        if call.content.get("product_code", wanted) not in (wanted, "QUICK_WAP_PAY"):
            raise Wrong("isv.invalid-parameter", "参数无效：product_code")
        return Trade(
            vendor=Vendor.ALIPAY,
            out_trade_no=call.text("out_trade_no", 64),
            kind=call.method,
            total=total,
            title=subject,
            notify_url=call.said.get("notify_url", ""),
            terms=orjson.dumps([total, subject]).decode(),
            opened_at=now,
            expires_at=_expiry(call, now),
            appid=ALIPAY_APP_ID,
        )

    def _precreate(self, call: Call, _: str) -> dict[str, Any]:
        trade = self._book.open(self.trade(call))
        return {"out_trade_no": trade.out_trade_no, "qr_code": f"{QR}{trade.handle}"}

    def _found(self, call: Call) -> Trade:
        """A trade that a buyer has opened: before, Alipay has none."""
        trade = self._book.find(
            Vendor.ALIPAY,
            out_trade_no=str(call.content.get("out_trade_no") or ""),
            trade_no=str(call.content.get("trade_no") or ""),
        )
        if not trade.seen:
            raise Refused("MISSING")
        return trade

    def _query(self, call: Call, _: str) -> dict[str, Any]:
        return trade_said(self._found(call))

    def _close(self, call: Call, _: str) -> dict[str, Any]:
        trade = self._found(call)
        try:
            self._book.close(trade)
        except Refused:
            raise Refused("UNCLOSABLE") from None
        self.told(trade, status="TRADE_CLOSED")
        return {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}

    def _refund(self, call: Call, _: str) -> dict[str, Any]:
        trade = self._found(call)
        now, number = self._clock(), str(call.content.get("out_request_no") or trade.out_trade_no)
        reason = str(call.content.get("refund_reason", ""))
        refund = Refund(number, "", call.fen("refund_amount"), now, reason, done_at=now)
        found, begun = self._book.refund(trade, refund)
        if begun:
            status = "TRADE_CLOSED" if trade.refunded == trade.total else "TRADE_SUCCESS"
            self.told(trade, status=status, refund=found)
        return refund_said(trade, changed=begun)

    def _query_refund(self, call: Call, _: str) -> dict[str, Any]:
        trade = self._found(call)
        return refund_query_said(trade, trade.refunds.get(call.text("out_request_no", 64)))

    def _bill(self, call: Call, base: str) -> dict[str, Any]:
        try:
            day = date.fromisoformat(call.text("bill_date"))
        except ValueError:
            raise Wrong("isv.invalid-parameter", "参数无效：bill_date") from None
        content = alipay_bill(self._book, day)
        if call.text("bill_type") != "trade" or day >= self._clock().astimezone(CHINA).date() or content is None:
            raise Refused("NO_BILL")
        token = secrets.token_urlsafe(24)
        self._files[token] = content
        return {"bill_download_url": f"{base}downloadBillFile.resource?token={token}"}

    def _certificate(self, call: Call, _: str) -> dict[str, Any]:
        chain = self._current[1]
        if call.text("alipay_cert_sn") != serial_of(chain[0]):
            raise Wrong("isv.invalid-alipay-cert-sn", "支付宝公钥证书序列号不存在")
        return {"alipay_cert_content": b64encode(pems(*chain).encode()).decode()}

    def _instbills(self, call: Call, _: str) -> dict[str, Any]:
        if call.text("biz_type") != "JF":
            raise Wrong("isv.invalid-parameter", "参数无效：biz_type")
        whose = call.text("sub_biz_type"), call.text("charge_inst"), call.text("bill_key")
        found = instbills(*whose, self._clock())
        if found is None:
            raise Refused("NO_ACCOUNT")
        return found

    async def _file(self, request: Request) -> Response:
        content = self._files.pop(request.query_params.get("token", ""), None)
        return Response(content, 200 if content is not None else 404, media_type="application/zip")


def _sorted(said: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={said[name]}" for name in sorted(said) if said[name] and name != "sign").encode()


def _expiry(call: Call, now: datetime) -> datetime:
    """Until when it can be paid: an instant in China's time, else two hours for a code and fifteen days otherwise."""
    told = call.content.get("time_expire")
    if told is None:
        return now + (QR_LIFE if call.method == "alipay.trade.precreate" else LIFE)
    try:
        return datetime.strptime(str(told), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        raise Wrong("isv.invalid-parameter", "参数无效：time_expire") from None
