"""The sandbox whole: both gateways and the cashier over one book."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from domain.kernel.clock import Clock, system_clock
from integrations.payments.sandbox.agreements import AgreementBook
from integrations.payments.sandbox.alipay import AlipayGateway
from integrations.payments.sandbox.book import Book
from integrations.payments.sandbox.cashier import Cashier
from integrations.payments.sandbox.keys import SandboxKeys
from integrations.payments.sandbox.notices import Notifier
from integrations.payments.sandbox.signing_desk import SigningDesk
from integrations.payments.sandbox.wechat import WechatGateway
from integrations.payments.sandbox.withholding import Withholding

HOSTS: Final = ("127.0.0.1", "localhost")  # a page elsewhere must not reach it under a name of its own


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. notices: what it sends; ``deliver`` or ``run`` sends it."""

    app: Starlette
    book: Book
    cashier: Cashier
    wechat: WechatGateway
    alipay: AlipayGateway
    notices: Notifier
    withholding: Withholding


def sandbox(
    keys: SandboxKeys,
    client: httpx.AsyncClient,
    *,
    journal: Path | None = None,
    clock: Clock = system_clock,
    refund_seconds: float = 1.0,
) -> Sandbox:
    """Both gateways under ``keys``. client: what notifications are sent with."""
    book = Book(journal, clock=clock, refund_seconds=refund_seconds)
    notices = Notifier(client, clock=clock)
    wechat = WechatGateway(keys, book, notices, clock=clock)
    alipay = AlipayGateway(keys, book, notices, clock=clock)
    agreed = AgreementBook(None if journal is None else journal.with_name("agreements.jsonl"), clock=clock)
    withholding = Withholding(alipay, book, agreed, clock=clock)
    desk = SigningDesk(withholding)
    cashier = Cashier(book, wechat, alipay, desk)
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS))
    app = Starlette(routes=[*wechat.routes(), *alipay.routes(), *desk.routes(), *cashier.routes()], middleware=[guard])
    return Sandbox(app, book, cashier, wechat, alipay, notices, withholding)
