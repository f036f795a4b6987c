"""``POST /uploads`` takes in one picture; ``GET /attachments/{id}`` gives out one that was attached to something."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from api.auth import Authenticator, Identity
from api.community.uploads.forms import NoForm, one_file
from api.community.uploads.policy import SENDERS
from api.community.uploads.rights import RIGHTS, Sees
from api.devices import TooLarge, read_capped
from api.errors import language_of
from api.json import JsonResponse
from api.nodes import global_id, integer
from api.refusals import refused, said
from api.requests import request_id_of
from api.security.pictures import HEADERS, REFUSED
from domain.community.uploads.queries import attachment_by_id
from domain.community.uploads.rules import Subject
from domain.community.uploads.service import begin_upload, keep_upload
from domain.estate.visibility import at_home
from domain.identity.ports import Vault
from domain.kernel.acts import Act
from domain.kernel.errors import DomainError, Forbidden, Limited, NotFound, Unauthenticated, Unavailable
from domain.kernel.pictures import PictureStore
from domain.kernel.uow import AnyRow, Database
from integrations.vision.decoder import UPLOAD_BYTES

log = structlog.get_logger(__name__)

BODY_BYTES: Final = UPLOAD_BYTES + 16 * 1024
BODY_SECONDS: Final = 60.0
OF_ONE_ACCOUNT: Final = 2
AT_ONCE: Final = 8
"""Uploads under way of one account, and of this process: each holds its body in memory."""


class TooSlow(Exception):
    """The body did not arrive in time."""


class Uploads:
    """The two endpoints. body_seconds: how long a body may take to arrive."""

    def __init__(
        self,
        authenticator: Authenticator,
        database: Database,
        vault: Vault,
        store: PictureStore,
        *,
        rights: Mapping[Subject, Sees] = RIGHTS,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._authenticator = authenticator
        self._database = database
        self._vault = vault
        self._store = store
        self._rights = rights
        self._body_seconds = body_seconds
        self._under_way: Counter[int] = Counter()

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/uploads", self.upload, methods=["POST"]),
            Route("/attachments/{id}", self.attachment, methods=["GET"]),
        ]

    async def upload(self, request: Request) -> Response:
        """201 with the picture's id; whatever is refused leaves nothing behind, and no byte of it is kept as sent."""
        language = language_of(request.headers.get("accept-language"))
        try:
            identity = await self._signed_in(request)
            language = language_of(request.headers.get("accept-language"), identity.language)
            return await self._take(request, identity)
        except ClientDisconnect:
            return Response(status_code=400)  # half a body; nobody hears the answer
        except TooLarge:
            return said("TOO_LARGE", language, limit=UPLOAD_BYTES)
        except TooSlow:
            return said("TOO_SLOW", language)
        except NoForm:
            return said("NOT_A_FORM", language)
        except DomainError as error:
            return refused(error, language)

    async def _signed_in(self, request: Request) -> Identity:
        """Who sends. Raises Unauthenticated, and Forbidden for those with neither home nor role."""
        identity = await self._authenticator.identify(request.headers.get("authorization"))
        if identity.claims is None:
            raise Unauthenticated
        if identity.actor.roles.isdisjoint(SENDERS):
            raise Forbidden
        return identity

    async def _take(self, request: Request, identity: Identity) -> Response:
        """Raises TooLarge, TooSlow, NoForm, Limited, Unavailable, PictureRefused."""
        account = identity.actor.account_id or 0
        if self._under_way[account] >= OF_ONE_ACCOUNT:
            raise Limited(retry_after=5)
        if self._under_way.total() >= AT_ONCE:
            raise Unavailable
        self._under_way[account] += 1
        try:
            async with self._database.unit_of_work(identity.actor, request_id=request_id_of(request.scope)) as uow:
                await begin_upload(uow, vault=self._vault)
            body = await self._body(request)
            content = await one_file(request.headers, body)
            picture = await self._store.admit(content)
            async with self._database.unit_of_work(identity.actor, request_id=request_id_of(request.scope)) as uow:
                kept = await keep_upload(uow, picture=picture)
        finally:
            self._under_way[account] -= 1
            if not self._under_way[account]:
                del self._under_way[account]
        return JsonResponse(shown(kept), 201)

    async def _body(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self._body_seconds):
                return await read_capped(request, BODY_BYTES)
        except TimeoutError:
            raise TooSlow from None

    async def attachment(self, request: Request) -> Response:
        """The picture, for those who see what it shows; to all others as if there were none. Somebody else's home in
        it is on record before the first byte leaves; where that cannot be written, the answer is 503."""
        try:
            identity = await self._authenticator.identify(request.headers.get("authorization"))
            if identity.claims is None:
                raise Unauthenticated
            row = await self._seen(identity, integer(str(request.path_params["id"])))
        except Unauthenticated:
            return Response(status_code=401, headers=REFUSED | {"WWW-Authenticate": "Bearer"})
        except NotFound:
            return Response(status_code=404, headers=REFUSED)
        path = self._store.path(row.sha256)
        if not path.is_file():
            return Response(status_code=404, headers=REFUSED)
        if row.home_id is not None and not at_home(identity.actor.scope, row.home_id, row.attached_at):
            act = Act("picture.opened", "Attachment", row.id, row, (row.home_id,))
            try:
                await self._database.record(identity.actor, [act], request_id=request_id_of(request.scope))
            except Exception:
                log.exception("audit.not_recorded")
                return Response(status_code=503, headers=REFUSED)
        named = f"{row.id}.jpg"
        return FileResponse(
            path, media_type="image/jpeg", headers=HEADERS, filename=named, content_disposition_type="inline"
        )

    async def _seen(self, identity: Identity, attachment_id: int) -> AnyRow:
        """The attachment's row. Raises NotFound."""
        actor = identity.actor
        async with self._database.reader(actor.scope) as reader:
            row = await attachment_by_id(reader, actor, attachment_id, self._database.clock())
            sees = None if row is None else self._rights.get(row.subject)
            if row is None or sees is None or not await sees(reader, actor, row.subject_id):
                raise NotFound
        return row


def shown(row: AnyRow) -> dict[str, Any]:
    """What the sender is told: the id that mutations take, and until when it can be attached."""
    return {
        "id": global_id("Upload", row.id),
        "width": row.width,
        "height": row.height,
        "expiresAt": row.expires_at.isoformat().replace("+00:00", "Z"),
    }
