"""``GET /pictures/{compound}/{sha256}``: the bytes of a picture, for those who may see pictures of that compound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api.auth import Authenticator
from api.nodes import integer
from api.requests import request_id_of
from domain.estate.queries import compound_place
from domain.kernel.acts import Act
from domain.kernel.errors import NotFound, Unauthenticated
from domain.kernel.uow import Database
from domain.security.events.queries import sees_picture

log = structlog.get_logger(__name__)

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Vary": "Authorization",
    "X-Content-Type-Options": "nosniff",
}
REFUSED: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Locate = Callable[[str], Path]
"""Where a picture's file is by its digest; raises ValueError for what is not one (``PictureStore.path``)."""


def picture_endpoint(
    authenticator: Authenticator, database: Database, locate: Locate
) -> Callable[[Request], Awaitable[Response]]:
    """The handler. What the caller may not see, has expired or is not there answers 404; no sign-in answers 401.
    It goes on record before the first byte leaves; where it cannot, the answer is 503."""

    async def picture(request: Request) -> Response:
        try:
            identity = await authenticator.identify(request.headers.get("authorization"))
            if identity.claims is None:
                raise Unauthenticated
            compound = integer(str(request.path_params["compound"]))
            path = locate(str(request.path_params["sha256"]))
        except Unauthenticated:
            return Response(status_code=401, headers=REFUSED | {"WWW-Authenticate": "Bearer"})
        except (NotFound, ValueError):
            return Response(status_code=404, headers=REFUSED)
        async with database.reader(identity.actor.scope) as reader:
            seen = await sees_picture(
                reader, identity.actor, compound_id=compound, sha256=path.stem, now=database.clock()
            )
            place = await compound_place(reader, compound)
        if not seen or not path.is_file():
            return Response(status_code=404, headers=REFUSED)
        try:
            await database.record(
                identity.actor,
                [Act("picture.opened", "Picture", path.stem, place)],
                request_id=request_id_of(request.scope),
            )
        except Exception:
            log.exception("audit.not_recorded")
            return Response(status_code=503, headers=REFUSED)
        named = f"{path.stem}.jpg"
        return FileResponse(
            path, media_type="image/jpeg", headers=HEADERS, filename=named, content_disposition_type="inline"
        )

    return picture
