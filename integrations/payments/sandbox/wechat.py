"""WeChat Pay v3 as a merchant calls it: open, query, close, refund, certificates, bills; and its notifications.

Source: WeChat Pay merchant documentation, API v3 (JSAPI, APP, Native, 退款, 账单, 平台证书).
"""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.community.payments.ports import Vendor
from domain.kernel.clock import Clock
from integrations.payments.alipay.signing import CHINA
from integrations.payments.sandbox.bills import wechat_bill
from integrations.payments.sandbox.book import LIFE, Book, Refund, Refused, Trade
from integrations.payments.sandbox.keys import APP_APPID, APPID, MCHID, PUBLIC_KEY_ID, SandboxKeys, certificate_pem
from integrations.payments.sandbox.notices import WECHAT_WAITS, Delivery, Notifier
from integrations.payments.sandbox.wechat_says import refund_notice, refund_said, trade_said
from integrations.payments.sandbox.wechat_wire import Failed, WechatWire, moment

KINDS: Final = ("jsapi", "app", "native")
NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
WORDS: Final = {
    "PAID": (400, "ORDERPAID", "该订单已支付"),
    "CLOSED": (400, "ORDER_CLOSED", "该订单已关闭"),
    "USED": (403, "OUT_TRADE_NO_USED", "商户订单号重复"),
    "MISSING": (404, "ORDER_NOT_EXIST", "订单不存在"),
    "UNPAID": (400, "INVALID_REQUEST", "订单状态错误，未支付"),
    "DIFFERENT": (400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"),
    "TOO_MUCH": (400, "INVALID_REQUEST", "申请退款金额超过可退金额"),
    "TOO_MANY": (400, "INVALID_REQUEST", "一笔订单最多申请50次退款"),
    "SHORT": (403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起"),
    "NO_REFUND": (404, "RESOURCE_NOT_EXISTS", "退款单不存在"),
    "NO_BILL": (400, "NO_STATEMENT_EXIST", "请求的账单文件不存在"),
}
Act = Callable[[Request, dict[str, Any]], dict[str, Any] | None]


class WechatGateway:
    """The endpoints under ``/v3``. notices: where notifications go out."""

    def __init__(self, keys: SandboxKeys, book: Book, notices: Notifier, *, clock: Clock) -> None:
        self._keys = keys
        self._book = book
        self._notices = notices
        self._clock = clock
        self._wire = WechatWire(keys)
        self._files: dict[str, bytes] = {}
        self._mode = PUBLIC_KEY_ID  # what the merchant verifies with, as its last call said

    def routes(self) -> list[Route]:
        """All of them."""
        by_number = "/v3/pay/transactions/out-trade-no/{number}"
        return [
            *(self._route(f"/v3/pay/transactions/{kind}", self._open(kind), "POST") for kind in KINDS),
            self._route(by_number, self._query, "GET"),
            self._route(f"{by_number}/close", self._close, "POST"),
            self._route("/v3/pay/transactions/id/{trade_no}", self._query, "GET"),
            self._route("/v3/refund/domestic/refunds", self._refund, "POST"),
            self._route("/v3/refund/domestic/refunds/{number}", self._query_refund, "GET"),
            self._route("/v3/certificates", self._certificates, "GET"),
            self._route("/v3/bill/tradebill", self._bill, "GET"),
            Route("/v3/billdownload/file", self._file, methods=["GET"]),
        ]

    def paid(self, trade: Trade) -> None:
        """Tell the merchant of a payment."""
        said = trade_said(trade)
        self._tell(trade.notify_url, "TRANSACTION.SUCCESS", "支付成功", "transaction", said)

    def settle(self) -> None:
        """Let refunds arrive, and tell the merchant of each."""
        for trade, refund in self._book.arrived():
            if trade.vendor is Vendor.WECHAT and refund.notify_url:
                self._tell(refund.notify_url, "REFUND.SUCCESS", "退款成功", "refund", refund_notice(trade, refund))

    def fail(self, out_refund_no: str, failed: str) -> None:
        """A refund comes to nothing: ABNORMAL or CLOSED; the merchant is told. Raises Refused: MISSING."""
        trade, refund = self._book.fail(Vendor.WECHAT, out_refund_no, failed)
        if refund.notify_url:
            said = refund_notice(trade, refund)
            self._tell(refund.notify_url, f"REFUND.{failed}", "退款异常", "refund", said)

    def _tell(self, url: str, event: str, summary: str, kind: str, resource: dict[str, Any]) -> None:
        now = self._clock()
        body = self._wire.notice(
            id_=secrets.token_hex(16), event=event, summary=summary, kind=kind, resource=resource, at=now
        )
        headers = {"content-type": "application/json"}

        def make(at: datetime) -> tuple[dict[str, str], bytes]:
            return self._wire.signed(body, now=at, serial=self._mode) | headers, body

        self._notices.add(Delivery(url, make, lambda status, _: status in (200, 204), WECHAT_WAITS, now))

    def _route(self, path: str, act: Act, method: str) -> Route:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            serial = self._keys.certificate_serial
            try:
                serial = self._wire.serial_for(request)
                self._wire.authenticate(request, body, now=self._clock())
                self._mode = serial
                self.settle()
                answer = act(request, _json(body) if method == "POST" else {})
                status, said = (204, b"") if answer is None else (200, orjson.dumps(answer))
            except Failed as error:
                status, said = error.status, orjson.dumps({"code": error.code, "message": error.message})
            except Refused as error:
                status, code, message = WORDS[error.code]
                said = orjson.dumps({"code": code, "message": message})
            headers = self._wire.signed(said, now=self._clock(), serial=serial) | {"Request-ID": secrets.token_hex(16)}
            return Response(said or None, status, headers, "application/json; charset=utf-8" if said else None)

        return Route(path, endpoint, methods=[method])

    def _open(self, kind: str) -> Act:
        def act(_: Request, said: dict[str, Any]) -> dict[str, Any]:
            trade = self._book.open(self._trade(kind, said))
            if kind == "native":
                return {"code_url": f"weixin://wxpay/bizpayurl?pr={trade.handle}"}
            return {"prepay_id": trade.handle}

        return act

    def _trade(self, kind: str, said: dict[str, Any]) -> Trade:
        amount = _object(said, "amount")
        _need(said.get("mchid") == MCHID and said.get("appid") == _appid(kind), "APPID_MCHID_NOT_MATCH", "appid")
        _need(bool(NUMBER.fullmatch(_text(said, "out_trade_no", 32))), "PARAM_ERROR", "out_trade_no")
        total = amount.get("total")
        _need(type(total) is int and 0 < total <= 10**10, "PARAM_ERROR", "amount.total")
        _need(amount.get("currency", "CNY") == "CNY", "PARAM_ERROR", "amount.currency")
        now = self._clock()
        return Trade(
            vendor=Vendor.WECHAT,
            out_trade_no=said["out_trade_no"],
            kind=kind,
            total=int(str(total)),
            title=_text(said, "description", 127),
            notify_url=_notify_url(_text(said, "notify_url", 255)),
            terms=orjson.dumps([kind, said], option=orjson.OPT_SORT_KEYS).decode(),
            opened_at=now,
            expires_at=_moment(said, "time_expire", now + LIFE),
            appid=said["appid"],
            payer=_text(_object(said, "payer"), "openid", 128) if kind == "jsapi" else "",
        )

    def _query(self, request: Request, _: dict[str, Any]) -> dict[str, Any]:
        _need(request.query_params.get("mchid") == MCHID, "PARAM_ERROR", "mchid")
        path = request.path_params
        trade = self._book.find(Vendor.WECHAT, out_trade_no=path.get("number", ""), trade_no=path.get("trade_no", ""))
        return trade_said(trade)

    def _close(self, request: Request, said: dict[str, Any]) -> None:
        _need(said.get("mchid") == MCHID, "PARAM_ERROR", "mchid")
        self._book.close(self._book.find(Vendor.WECHAT, out_trade_no=request.path_params["number"]))

    def _refund(self, _: Request, said: dict[str, Any]) -> dict[str, Any]:
        try:
            trade = self._book.find(
                Vendor.WECHAT,
                out_trade_no=said.get("out_trade_no", ""),
                trade_no=said.get("transaction_id", ""),
            )
        except Refused:
            raise Failed(404, "RESOURCE_NOT_EXISTS", "订单不存在") from None
        amount = _object(said, "amount")
        _need(amount.get("total") == trade.total, "INVALID_REQUEST", "订单金额")
        _need(amount.get("currency") == "CNY" and type(amount.get("refund")) is int, "PARAM_ERROR", "amount.refund")
        number = _text(said, "out_refund_no", 64)
        url = said.get("notify_url") or ""
        asked = Refund(number, "", amount["refund"], self._clock(), said.get("reason", ""), url and _notify_url(url))
        refund, _begun = self._book.refund(trade, asked)
        return refund_said(trade, refund)

    def _query_refund(self, request: Request, _: dict[str, Any]) -> dict[str, Any]:
        try:
            return refund_said(*self._book.refund_of(Vendor.WECHAT, request.path_params["number"]))
        except Refused:
            raise Refused("NO_REFUND") from None

    def _certificates(self, _: Request, __: dict[str, Any]) -> dict[str, Any]:
        certificate = self._keys.certificate
        one = {
            "serial_no": self._keys.certificate_serial,
            "effective_time": moment(certificate.not_valid_before_utc),
            "expire_time": moment(certificate.not_valid_after_utc),
            "encrypt_certificate": self._wire.sealed(certificate_pem(certificate).encode(), "certificate"),
        }
        return {"data": [one]}

    def _bill(self, request: Request, _: dict[str, Any]) -> dict[str, Any]:
        asked = request.query_params
        try:
            day = date.fromisoformat(asked.get("bill_date", ""))
        except ValueError:
            raise Failed(400, "PARAM_ERROR", "bill_date") from None
        today = self._clock().astimezone(CHINA).date()
        _need(today - timedelta(days=92) < day < today, "INVALID_REQUEST", "bill_date")
        _need(asked.get("bill_type", "ALL") == "ALL", "PARAM_ERROR", "bill_type")
        plain = wechat_bill(self._book, day)
        if plain is None:
            raise Refused("NO_BILL")
        token = secrets.token_urlsafe(24)
        self._files[token] = gzip.compress(plain) if asked.get("tar_type") == "GZIP" else plain
        url = f"{request.url.scheme}://{request.headers['host']}/v3/billdownload/file?token={token}"
        hashed = hashlib.sha1(plain).hexdigest()  # noqa: S324 - what the vendor states beside a bill
        return {"hash_type": "SHA1", "hash_value": hashed, "download_url": url}

    async def _file(self, request: Request) -> Response:
        """A bill; like WeChat Pay's, not signed."""
        try:
            self._wire.authenticate(request, b"", now=self._clock())
        except Failed as error:
            return Response(orjson.dumps({"code": error.code, "message": error.message}), error.status)
        content = self._files.get(request.query_params.get("token", ""))
        return Response(content, 200 if content is not None else 404, media_type="application/octet-stream")


def _appid(kind: str) -> str:
    return APP_APPID if kind == "app" else APPID


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        raise Failed(400, "PARAM_ERROR", "请求体不是合法的JSON")
    return said


def _need(holds: bool, code: str, name: str) -> None:
    if not holds:
        raise Failed(400, code, f"参数错误：{name}")


def _object(said: dict[str, Any], name: str) -> dict[str, Any]:
    value = said.get(name)
    if not isinstance(value, dict):
        raise Failed(400, "PARAM_ERROR", f"参数错误：{name}")
    return value


def _text(said: dict[str, Any], name: str, most: int) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 0 < len(value.encode()) <= most:
        raise Failed(400, "PARAM_ERROR", f"参数错误：{name}")
    return value


def _notify_url(url: str) -> str:
    """A URL without a query; https, as WeChat Pay has it, or on this machine."""
    parts = urlsplit(url)
    near = parts.hostname in ("127.0.0.1", "localhost", "::1")
    _need((parts.scheme == "https" or near) and bool(parts.hostname) and not parts.query, "PARAM_ERROR", "notify_url")
    return url


def _moment(said: dict[str, Any], name: str, otherwise: datetime) -> datetime:
    if name not in said:
        return otherwise
    try:
        at = datetime.fromisoformat(_text(said, name, 64))
    except ValueError:
        raise Failed(400, "PARAM_ERROR", f"参数错误：{name}") from None
    _need(at.tzinfo is not None, "PARAM_ERROR", name)
    return at
