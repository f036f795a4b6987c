"""``POST /imports/bills`` takes a file of bills in; ``GET /exports/bills`` gives a compound's bills out as CSV."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from api.auth import Authenticator, Identity
from api.community.bills.policy import ROOTS
from api.community.bills.sheet import Sheet, csv_line
from api.devices import TooLarge, read_capped
from api.errors import language_of
from api.json import JsonResponse
from api.nodes import global_id, row_id
from api.permissions import check
from api.refusals import refused, said
from api.requests import request_id_of
from domain.community.bills.exports import BATCH, COLUMNS, export_place, export_rows
from domain.community.bills.imports.service import upload
from domain.community.bills.periods import Period, month_of
from domain.identity.ports import Vault
from domain.kernel.acts import Act
from domain.kernel.errors import DomainError, Limited, Unauthenticated
from domain.kernel.uow import Database
from integrations.sheets import MOST_BYTES, format_of

BODY_SECONDS: Final = 120.0
SEND_SECONDS: Final = 30.0
OF_ONE_ACCOUNT: Final = 1
AT_ONCE: Final = 4
"""Files under way of one account, and of this process: each that comes in is held in memory."""
HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Authorization"}


class BillFiles:
    """The two endpoints. body_seconds: how long a file may take to arrive; send_seconds: how long the peer may take to
    read a piece of one."""

    def __init__(
        self,
        authenticator: Authenticator,
        database: Database,
        vault: Vault,
        *,
        body_seconds: float = BODY_SECONDS,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._authenticator = authenticator
        self._database = database
        self._vault = vault
        self._body_seconds = body_seconds
        self._send_seconds = send_seconds
        self._coming: Counter[int] = Counter()
        self._going: Counter[int] = Counter()

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
            if self._coming.total() >= AT_ONCE:
                raise Limited(retry_after=5)
            with _one_of(self._coming, identity):
                return await self._take(request, identity)
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
            with ExitStack() as mine:
                mine.enter_context(_one_of(self._going, identity))
                await self._database.record(identity.actor, [act], request_id=request_id_of(request.scope))
                ended = mine.pop_all().close
        except DomainError as error:
            return refused(error, language)
        return Sheet(self._lines(identity, compound_id, month), seconds=self._send_seconds, ended=ended)

    async def _lines(self, identity: Identity, compound_id: int, month: Period | None) -> AsyncIterator[bytes]:
        """The sheet. No connection is held while a piece of it is sent, and who may have none further gets none: raises
        what ``give`` refuses."""
        yield "\ufeff".encode() + csv_line(COLUMNS)
        after, there = 0, True
        while there:
            actor = (await self._authenticator.again(identity)).actor
            async with self._database.reader(actor.scope) as reader:
                await export_place(reader, actor, compound_id)
                rows = await export_rows(reader, actor, compound_id, month, after=after)
            yield b"".join(csv_line(row.cells) for row in rows)
            there = len(rows) == BATCH
            after = rows[-1].id if rows else after

    async def _who(self, request: Request) -> Identity:
        identity = await self._authenticator.identify(request.headers.get("authorization"))
        if identity.claims is None:
            raise Unauthenticated
        return identity


@contextmanager
def _one_of(under_way: Counter[int], identity: Identity) -> Iterator[None]:
    """Count the account's file while it is under way. Raises Limited where it has so many already."""
    account = identity.actor.account_id or 0
    if under_way[account] >= OF_ONE_ACCOUNT:
        raise Limited(retry_after=5)
    under_way[account] += 1
    try:
        yield
    finally:
        under_way[account] -= 1
        if not under_way[account]:
            del under_way[account]
