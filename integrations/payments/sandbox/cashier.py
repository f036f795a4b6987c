"""Where a person, or a test, plays the buyer: scan a code, see what it asks for, pay.

Pages for a browser; JSON for whoever asks for it. ``code`` is what a client would open: the text of a QR code, a prepay
id, the order string of an app, or the address of a page.
"""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from domain.community.payments.ports import Vendor
from domain.kernel.money import yuan_of
from integrations.payments.sandbox.alipay import QR, AlipayGateway, Wrong
from integrations.payments.sandbox.alipay_says import status_of
from integrations.payments.sandbox.book import Book, Refused, Stage, Trade
from integrations.payments.sandbox.pages import page, refusal, wants_json
from integrations.payments.sandbox.signing_desk import SigningDesk
from integrations.payments.sandbox.wechat import WechatGateway

WECHAT_QR: Final = "weixin"
PAYER: Final = "oSandboxBuyer0000000000000001"
NAMES: Final = {Vendor.WECHAT: "微信支付 WeChat Pay", Vendor.ALIPAY: "支付宝 Alipay"}
STAGES: Final = {Stage.OPEN: "待支付 open", Stage.PAID: "已支付 paid", Stage.CLOSED: "已关闭 closed"}
FORM: Final = (
    '<form method="post" action="/cashier/scan"><p><label>二维码内容或订单串 Text of the code or order<br>'
    '<input name="code" required></label><p><button>扫码 Scan</button></form>'
)


class Cashier:
    """The pages over both gateways."""

    def __init__(self, book: Book, wechat: WechatGateway, alipay: AlipayGateway, desk: SigningDesk) -> None:
        self._book = book
        self._wechat = wechat
        self._alipay = alipay
        self._desk = desk

    def routes(self) -> list[Route]:
        """``/cashier`` and what lies below."""
        return [
            Route("/cashier", self._list, methods=["GET"]),
            Route("/cashier/scan", self._scan, methods=["POST"]),
            Route("/cashier/{handle}", self._show, methods=["GET"]),
            Route("/cashier/{handle}/pay", self._pay, methods=["POST"]),
        ]

    def scanned(self, code: str) -> Trade:
        """The trade a code leads to, opened by a buyer. Raises Refused or Wrong."""
        code = code.strip()
        parts = urlsplit(code)
        if parts.scheme == WECHAT_QR:
            trade = self._book.by_handle(parse_qs(parts.query).get("pr", [""])[0])
        elif code.startswith(QR):
            trade = self._book.by_handle(parts.path.strip("/"))
        elif "app_id=" in code:
            return self._alipay.opened(parts.query or code)
        else:
            trade = self._book.by_handle(code)
        self._book.see(trade)
        return trade

    def pay(self, trade: Trade) -> None:
        """The buyer pays, and the merchant is told. Raises Refused."""
        self._book.pay(trade, payer=PAYER)
        if trade.vendor is Vendor.WECHAT:
            self._wechat.paid(trade)
        else:
            self._alipay.told(trade, status=status_of(trade))

    async def _list(self, _: Request) -> Response:
        rows = "".join(_row(trade) for trade in reversed(list(self._book)))
        head = "<tr><th>渠道<th>单号<th>内容<th>金额（元）<th>状态"
        return page(f"{FORM}<table>{head}{rows}</table>{self._desk.listed()}")

    async def _scan(self, request: Request) -> Response:
        code = str((await request.form()).get("code", ""))
        try:
            if self._desk.reads(code):
                return self._desk.answer(request, self._desk.scanned(code))
            trade = self.scanned(code)
        except (Refused, Wrong) as error:
            return refusal(request, error.code)
        if wants_json(request):
            return JSONResponse(_said(trade))
        return RedirectResponse(f"/cashier/{trade.handle}", 303)

    async def _show(self, request: Request) -> Response:
        try:
            trade = self._book.by_handle(request.path_params["handle"])
        except Refused as error:
            return refusal(request, error.code)
        if wants_json(request):
            return JSONResponse(_said(trade))
        button = f'<form method="post" action="/cashier/{trade.handle}/pay"><button>支付 Pay</button></form>'
        lines = "".join(f"<tr><th>{escape(name)}<td>{escape(str(value))}" for name, value in _said(trade).items())
        shown = button if trade.stage is Stage.OPEN else ""
        return page(f'<table>{lines}</table>{shown}<p><a href="/cashier">返回 Back</a>')

    async def _pay(self, request: Request) -> Response:
        try:
            trade = self._book.by_handle(request.path_params["handle"])
            self.pay(trade)
        except Refused as error:
            return refusal(request, error.code)
        if wants_json(request):
            return JSONResponse(_said(trade))
        return RedirectResponse(f"/cashier/{trade.handle}", 303)


def _said(trade: Trade) -> dict[str, str]:
    return {
        "vendor": NAMES[trade.vendor],
        "out_trade_no": trade.out_trade_no,
        "title": trade.title,
        "yuan": yuan_of(trade.total),
        "state": STAGES[trade.stage],
        "refunded": yuan_of(trade.refunded),
        "handle": trade.handle,
        "act": "pay",
    }


def _row(trade: Trade) -> str:
    link = f'<a href="/cashier/{trade.handle}">{escape(trade.out_trade_no)}</a>'
    said = (escape(trade.title), yuan_of(trade.total), STAGES[trade.stage])
    return f"<tr><td>{NAMES[trade.vendor]}<td>{link}" + "".join(f"<td>{each}" for each in said)
