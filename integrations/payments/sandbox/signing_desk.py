"""Where a person, or a test, plays the customer who signs an agreement, ends it, or runs out of money."""

from __future__ import annotations

from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from domain.kernel.money import InvalidAmount, fen_of, yuan_of
from integrations.payments.sandbox.agreements import NORMAL, STOP, TEMP, Agreement
from integrations.payments.sandbox.book import Refused
from integrations.payments.sandbox.pages import page, refusal, wants_json
from integrations.payments.sandbox.withholding import SIGN, Withholding

PATH: Final = "/cashier/agreements"
STATUSES: Final = {TEMP: "待签约 to sign", NORMAL: "已签约 signed", STOP: "已解约 ended"}
FUNDS: Final = (
    f'<form method="post" action="{PATH}/funds"><p><label>买家可用余额（元，留空为足够） What the buyer has, in yuan; '
    'empty = enough<br><input name="yuan" value="{yuan}"></label><p><button>设置 Set</button></form>'
)


class SigningDesk:
    """The pages of agreements."""

    def __init__(self, withholding: Withholding) -> None:
        self._withholding = withholding

    def routes(self) -> list[Route]:
        """``/cashier/agreements`` and what lies below."""
        return [
            Route(f"{PATH}/funds", self._funds, methods=["POST"]),
            Route(f"{PATH}/{{handle}}", self._show, methods=["GET"]),
            Route(f"{PATH}/{{handle}}/sign", self._sign, methods=["POST"]),
            Route(f"{PATH}/{{handle}}/end", self._end, methods=["POST"]),
        ]

    @staticmethod
    def reads(code: str) -> bool:
        """Whether ``code`` leads to an agreement and not to a trade."""
        return SIGN in code

    def scanned(self, code: str) -> Agreement:
        """The agreement that a code leads to. Raises Refused or Wrong."""
        return self._withholding.opened(code.strip())

    def listed(self) -> str:
        """The agreements as HTML, and what the buyer has."""
        rows = "".join(
            f'<tr><td><a href="{PATH}/{each.handle}">{escape(each.number)}</a><td>{STATUSES[each.status]}'
            for each in self._withholding.agreed
        )
        funds = self._withholding.agreed.funds
        yuan = "" if funds is None else yuan_of(funds)
        return f"<h2>代扣协议 Agreements</h2><table>{rows}</table>{FUNDS.format(yuan=yuan)}"

    def answer(self, request: Request, agreement: Agreement) -> Response:
        """JSON, or the way to its page."""
        if wants_json(request):
            return JSONResponse(said(agreement))
        return RedirectResponse(f"{PATH}/{agreement.handle}", 303)

    async def _show(self, request: Request) -> Response:
        try:
            agreement = self._withholding.agreed.by_handle(request.path_params["handle"])
        except Refused as error:
            return refusal(request, error.code)
        if wants_json(request):
            return JSONResponse(said(agreement))
        act = {TEMP: ("sign", "签约 Sign"), NORMAL: ("end", "解约 End")}.get(agreement.status)
        button = "" if act is None else (
            f'<form method="post" action="{PATH}/{agreement.handle}/{act[0]}"><button>{act[1]}</button></form>'
        )  # fmt: skip
        lines = "".join(f"<tr><th>{escape(name)}<td>{escape(value)}" for name, value in said(agreement).items())
        return page(f'<table>{lines}</table>{button}<p><a href="/cashier">返回 Back</a>')

    async def _sign(self, request: Request) -> Response:
        return self._act(request, sign=True)

    async def _end(self, request: Request) -> Response:
        return self._act(request, sign=False)

    def _act(self, request: Request, *, sign: bool) -> Response:
        try:
            agreement = self._withholding.agreed.by_handle(request.path_params["handle"])
            (self._withholding.sign if sign else self._withholding.end)(agreement)
        except Refused as error:
            return refusal(request, error.code)
        return self.answer(request, agreement)

    async def _funds(self, request: Request) -> Response:
        yuan = str((await request.form()).get("yuan", "")).strip()
        try:
            self._withholding.agreed.funds = fen_of(yuan) if yuan else None
        except InvalidAmount:
            return refusal(request, "INVALID_AMOUNT")
        return JSONResponse({"yuan": yuan}) if wants_json(request) else RedirectResponse("/cashier", 303)


def said(agreement: Agreement) -> dict[str, str]:
    """An agreement as the desk tells of it. act: where whoever scanned it goes on, below the handle."""
    return {
        "vendor": "支付宝 Alipay",
        "agreement": agreement.number,
        "state": STATUSES[agreement.status],
        "handle": f"agreements/{agreement.handle}",
        "act": "sign",
    }
