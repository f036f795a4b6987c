"""Where payment vendors report: ``POST /callbacks/wechat`` and ``POST /callbacks/alipay``.

The signature is checked over the bytes as they came, before they are read. What was taken before is acknowledged and
changes nothing; what is not the vendor's, or too old, is refused; what cannot be taken now comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from api.community.payments.intake import NoticeIntake
from api.devices import TooLarge, read_capped
from api.json import JsonResponse
from domain.community.payments.ports import Vendor
from domain.kernel.errors import DomainError
from integrations.payments.notices import NotAuthentic, NotUnderstood, ReadsNotices

log = structlog.get_logger(__name__)

BODY_BYTES: Final = 65_536
BODY_SECONDS: Final = 4.0  # vendors wait five


class PaymentCallbacks:
    """The two endpoints. readers: of the vendors that are set; the others' do not exist."""

    def __init__(
        self, intake: NoticeIntake, readers: Mapping[Vendor, ReadsNotices], *, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._intake = intake
        self._readers = readers
        self._body_seconds = body_seconds

    def routes(self) -> list[Route]:
        """Both."""
        return [
            Route("/callbacks/wechat", self.wechat, methods=["POST"]),
            Route("/callbacks/alipay", self.alipay, methods=["POST"]),
        ]

    async def wechat(self, request: Request) -> Response:
        """204 without a body when it is taken; else ``{"code": "FAIL"}``, and WeChat Pay tries again."""
        status = await self._take(request, Vendor.WECHAT)
        if status == 204:
            return Response(status_code=204)
        return JsonResponse({"code": "FAIL", "message": "失败"}, status)

    async def alipay(self, request: Request) -> Response:
        """The seven bytes ``success`` when it is taken; anything else has Alipay try again."""
        status = await self._take(request, Vendor.ALIPAY)
        if status == 204:
            return Response(b"success", media_type="text/plain")
        return Response(b"failure", status, media_type="text/plain")

    async def _take(self, request: Request, vendor: Vendor) -> int:
        """204, or the status of a refusal."""
        reader = self._readers.get(vendor)
        if reader is None:
            return 404
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await read_capped(request, BODY_BYTES)
            notice = reader.read(_once(request), body)
            outcome = "nothing" if notice is None else await self._intake.take(notice)
        except ClientDisconnect:
            return 400  # nobody hears the answer
        except TooLarge:
            return 413
        except TimeoutError:
            return 408
        except NotAuthentic as error:
            log.warning("payment.notice_refused", vendor=vendor, why=str(error))
            return 401
        except NotUnderstood as error:
            log.warning("payment.notice_not_understood", vendor=vendor, why=str(error))
            return 400
        except DomainError as error:
            log.warning("payment.notice_not_taken", vendor=vendor, code=error.code)
            return 500
        log.info("payment.notice", vendor=vendor, outcome=outcome)
        return 204


def _once(request: Request) -> dict[str, str]:
    """The headers by lower-case name; one that stands there twice counts as missing."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in request.headers.items():
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}
