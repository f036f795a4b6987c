"""``POST /imports/bills`` takes a file of bills in; ``GET /exports/bills`` gives a compound's bills out as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.auth import Authenticator, Identity
from api.community.bills.policy import ROOTS
from api.devices import TooLarge, read_capped
from api.errors import language_of
from api.json import JsonResponse
from api.nodes import global_id, row_id
from api.permissions import check
from api.refusals import refused, said
from api.requests import request_id_of
from domain.community.bills.exports import BATCH, COLUMNS, export_place, export_rows
from domain.community.bills.imports.service import upload
from domain.community.bills.periods import month_of
from domain.identity.ports import Vault
from domain.kernel.acts import Act
from domain.kernel.errors import DomainError, Limited, Unauthenticated
from domain.kernel.uow import Database
from integrations.sheets import MOST_BYTES, format_of

log = structlog.get_logger(__name__)

BODY_SECONDS: Final = 120.0
OF_ONE_ACCOUNT: Final = 1
AT_ONCE: Final = 4
"""Files under way of one account, and of this process: each is held in memory."""
HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Authorization"}


class BillFiles:
    """The two endpoints. body_seconds: how long a file may take to arrive."""

    def __init__(
        self, authenticator: Authenticator, database: Database, vault: Vault, *, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._authenticator = authenticator
        self._database = database
        self._vault = vault
        self._body_seconds = body_seconds
        self._under_way: Counter[int] = Counter()

    def routes(self) -> list[Route]:
        """Both."""
        return [
            Route("/imports/bills", self.take, methods=["POST"]),
            Route("/exports/bills", self.give, methods=["GET"]),
        ]

    async def take(self, request: Request) -> Response:
        """The file is the body: CSV or XLSX, told by its first bytes. ``?compound=ID&name=…``; answers the id."""
        language = language_of(request.headers.get("accept-language"), None)
        try:
            identity = await self._who(request)
            check(identity.actor, ROOTS["Mutation.startBillImport"])
            account = identity.actor.account_id or 0
            if self._under_way[account] >= OF_ONE_ACCOUNT or self._under_way.total() >= AT_ONCE:
                raise Limited(retry_after=5)
            self._under_way[account] += 1
            try:
                return await self._take(request, identity)
            finally:
                self._under_way[account] -= 1
        except DomainError as error:
            return refused(error, language)
        except TooLarge:
            return said("TOO_LARGE", language, limit=MOST_BYTES)
        except TimeoutError:
            return said("TOO_SLOW", language)
        except ClientDisconnect:
            return Response(status_code=400)

    async def _take(self, request: Request, identity: Identity) -> Response:
        compound_id = row_id(request.query_params.get("compound", ""), "Area", field="compound")
        async with asyncio.timeout(self._body_seconds):
            content = await read_capped(request, MOST_BYTES)
        name = request.query_params.get("name", "")
        async with self._database.unit_of_work(identity.actor, request_id=request_id_of(request.scope)) as uow:
            made = await upload(
                uow,
                vault=self._vault,
                compound_id=compound_id,
                name=name,
                form=format_of(content),
                content=content,
            )
        return JsonResponse({"id": global_id("BillImport", made)}, 201, headers=HEADERS)

    async def give(self, request: Request) -> Response:
        """``?compound=ID`` and, if wanted, ``&period=2026-10``: the bills as CSV, read in batches as they are sent."""
        language = language_of(request.headers.get("accept-language"), None)
        try:
            identity = await self._who(request)
            check(identity.actor, ROOTS["Mutation.startBillImport"])
            compound_id = row_id(request.query_params.get("compound", ""), "Area", field="compound")
            period = request.query_params.get("period")
            month = None if period is None else month_of(period)
            async with self._database.reader(identity.actor.scope) as reader:
                place = await export_place(reader, identity.actor, compound_id)
            said = {"period": month.name if month is not None else ""}
            act = Act("bills.exported", "Area", compound_id, place, details=said)
            await self._database.record(identity.actor, [act], request_id=request_id_of(request.scope))
        except DomainError as error:
            return refused(error, language)

        async def lines() -> AsyncIterator[bytes]:
            yield "\ufeff".encode() + csv_line(COLUMNS)
            async with self._database.reader(identity.actor.scope) as reader:
                after = 0
                while True:
                    rows = await export_rows(reader, identity.actor, compound_id, month, after=after)
                    yield b"".join(csv_line(row.cells) for row in rows)
                    if len(rows) < BATCH:
                        return
                    after = rows[-1].id

        disposition = {"Content-Disposition": 'attachment; filename="bills.csv"'}
        return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=HEADERS | disposition)

    async def _who(self, request: Request) -> Identity:
        identity = await self._authenticator.identify(request.headers.get("authorization"))
        if identity.claims is None:
            raise Unauthenticated
        return identity


def csv_line(cells: Iterable[Any]) -> bytes:
    """One line of CSV. What a spreadsheet would take for a formula is led by an apostrophe."""
    text = io.StringIO()
    csv.writer(text).writerow([_plain(cell) for cell in cells])
    return text.getvalue().encode()


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
