"""Both vendors' sandbox with a merchant of its own, and our adapters against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.community.bills.pull.ports import SubBizType
from domain.community.payments.autopay.ports import AgreementNotice
from domain.community.payments.ports import Channel, NewTrade, Notice, PaymentPort, Vendor
from domain.kernel.clock import Clock
from integrations.payments.alipay.account import AlipayAccount, AlipayCalls
from integrations.payments.alipay.agreements import AlipayAgreements
from integrations.payments.alipay.certificates import Certificates, OneKey, serial_of
from integrations.payments.alipay.gateway import AlipayPay
from integrations.payments.alipay.notices import AlipayNotices
from integrations.payments.alipay.signing import Merchant as AlipayMerchant
from integrations.payments.alipay.utilities import AlipayUtilities
from integrations.payments.calls import Caller
from integrations.payments.notices import ReadsNotices
from integrations.payments.sandbox import keys as said
from integrations.payments.sandbox.app import Sandbox, sandbox
from integrations.payments.sandbox.authority import pems
from integrations.payments.sandbox.keys import SandboxKeys, made_keys
from integrations.payments.wechat.account import WechatAccount
from integrations.payments.wechat.gateway import WechatPay
from integrations.payments.wechat.notices import WechatNotices
from integrations.payments.wechat.signing import Merchant, Platform

HOST = "http://127.0.0.1:8099"
NOTIFY = "https://zhian.test/callbacks"
START = datetime(2026, 3, 2, 3, tzinfo=UTC)  # eleven o'clock in China
SUPPLIERS = {(SubBizType.WATER, ""): "EXWATER", (SubBizType.GAS, "示例燃气"): "EXGAS"}
_NUMBERS = count(1)


@cache
def keys() -> SandboxKeys:
    """One set for a whole test process."""
    return made_keys(START)


@dataclass
class HandClock:
    """A clock that stands until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The instant."""
        return self.now

    def forward(self, **by: float) -> None:
        """Move it."""
        self.now += timedelta(**by)


@dataclass
class Counter:
    """A shop counter: two vendors, our adapters, and what arrived at our notification endpoints."""

    clock: HandClock
    there: Sandbox
    line: Line
    wechat: WechatPay
    alipay: AlipayPay
    utilities: AlipayUtilities
    agreements: AlipayAgreements
    readers: dict[Vendor, ReadsNotices]
    heard: list[tuple[Vendor, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[Vendor, Response] = field(default_factory=dict)

    def port(self, vendor: Vendor) -> PaymentPort:
        """The adapter of ``vendor``."""
        return self.wechat if vendor is Vendor.WECHAT else self.alipay

    def trade(self, channel: Channel, number: str = "", *, fen: int = 12345, title: str = "物业费/三月") -> NewTrade:
        """A trade of two hours; ``number`` is a new one when it is not told."""
        payer = "oPayer" if channel is Channel.WECHAT_JSAPI else ""
        return NewTrade(number or new_number(), channel, fen, title, self.clock.now + timedelta(hours=2), payer)

    async def scan(self, code: str) -> str:
        """A buyer scans or opens ``code``; the handle of the cashier's page."""
        found = await self._buyer("/cashier/scan", code)
        return str(found.json()["handle"])

    async def pay(self, code: str) -> None:
        """A buyer scans ``code`` and pays."""
        handle = await self.scan(code)
        assert (await self._buyer(f"/cashier/{handle}/pay", "")).status_code == 200

    async def _buyer(self, path: str, code: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.there.app), base_url=HOST) as client:
            return await client.post(path, data={"code": code}, headers={"accept": "application/json"})

    async def notices(self) -> list[Notice | AgreementNotice | None]:
        """What arrives at our endpoints now, read by our adapters."""
        self.there.wechat.settle()
        begun = len(self.heard)
        await self.there.notices.deliver()
        return [self.readers[vendor].read(headers, body) for vendor, headers, body in self.heard[begun:]]


def new_number() -> str:
    """A trade or refund number nobody used yet."""
    return f"T{next(_NUMBERS):07d}"


def accounts(
    made: SandboxKeys, gateway: str, notify: str, *, certificates: Clock | None = None
) -> tuple[WechatAccount, AlipayAccount]:
    """A merchant's accounts with both vendors of the sandbox at ``gateway``. certificates: by whose clock they are in
    force, when Alipay is in certificate mode."""
    wechat = WechatAccount(
        merchant=Merchant(said.MCHID, said.MERCHANT_SERIAL, made.merchant),
        platform=Platform({said.PUBLIC_KEY_ID: made.platform.public_key()}),
        api_key=made.api_key,
        appid=said.APPID,
        app_appid=said.APP_APPID,
        notify_url=f"{notify}/wechat",
        gateway=gateway,
    )
    keys: OneKey | Certificates = OneKey(made.alipay.public_key())
    serials: dict[str, str] = {}
    if certificates is not None:
        keys = Certificates(made.certificates.roots, clock=certificates)
        keys.add(pems(*made.certificates.alipay))
        serials = {"app_cert_sn": serial_of(made.certificates.app), "alipay_root_cert_sn": keys.root_serial}
    alipay = AlipayAccount(
        merchant=AlipayMerchant(said.ALIPAY_APP_ID, made.app, serials),
        keys=keys,
        seller_id=said.SELLER_ID,
        notify_url=f"{notify}/alipay",
        gateway=f"{gateway}/gateway.do",
    )
    return wechat, alipay


Heard = tuple[dict[str, str], bytes]
Meddle = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Line(httpx.AsyncBaseTransport):
    """The line to the vendor, which may change or lose what it answers. sent: every request that went out."""

    def __init__(self, app: Starlette) -> None:
        self._inner = httpx.ASGITransport(app)
        self.meddle: Meddle | None = None
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry it."""
        self.sent.append(request)
        answer = await self._inner.handle_async_request(request)
        content = await answer.aread()
        whole = httpx.Response(answer.status_code, headers=answer.headers, content=content, request=request)
        return whole if self.meddle is None else self.meddle(request, whole)


@asynccontextmanager
async def counter(*, refund_seconds: float = 0.0, certificates: bool = False) -> AsyncIterator[Counter]:
    """The counter in this process, without a socket. Answers to notifications are in ``answers``, else right ones.
    certificates: Alipay is in certificate mode."""
    clock, made = HandClock(), keys()
    ours: list[Counter] = []

    def heard(vendor: Vendor, right: Callable[[], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            ours[0].heard.append((vendor, headers, await request.body()))
            return ours[0].answers.get(vendor) or right()

        return Route(f"/callbacks/{vendor}", endpoint, methods=["POST"])

    routes = [
        heard(Vendor.WECHAT, lambda: Response(status_code=204)),
        heard(Vendor.ALIPAY, lambda: Response("success", media_type="text/plain")),
    ]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes))) as to_us:
        there = sandbox(made, to_us, clock=clock, refund_seconds=refund_seconds)
        line = Line(there.app)
        client = httpx.AsyncClient(transport=line)
        caller = Caller("sandbox", client, client, seconds=2.0)
        wechat, alipay = accounts(made, HOST, NOTIFY, certificates=clock if certificates else None)
        readers: dict[Vendor, ReadsNotices] = {
            Vendor.WECHAT: WechatNotices(wechat, clock=clock),
            Vendor.ALIPAY: AlipayNotices(alipay, clock=clock),
        }
        made_counter = Counter(
            clock=clock,
            there=there,
            line=line,
            wechat=WechatPay(wechat, caller, clock=clock),
            alipay=AlipayPay(alipay, caller, clock=clock),
            utilities=AlipayUtilities(AlipayCalls(alipay, caller, clock=clock), caller, SUPPLIERS),
            agreements=AlipayAgreements(alipay, caller, clock=clock, scene=said.SIGN_SCENE),
            readers=readers,
        )
        ours.append(made_counter)
        yield made_counter
