"""GraphiQL for the developer profile, with ready example operations in its tabs; everything from our own origin.

The scripts are fetched once by ``zhian graphiql``; without them the page says so. Nothing on it runs but those, and the
page's own script by its nonce.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from integrations.graphiql import EDITION, FILES

HERE = Path(__file__).parent
EXAMPLES, NONCE, SCRIPTS = "/*EXAMPLES*/ []", "__NONCE__", "__SCRIPTS__"
# GraphiQL's dialogs write style elements of their own; nothing runs from those.
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; font-src data:; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def examples() -> dict[str, str]:
    """The example operations by file name, in order; tests run each against the schema."""
    return {path.stem: path.read_text("utf-8") for path in sorted((HERE / "examples").glob("*.graphql"))}


class Page:
    """The page: called for each browser that asks for it, as its policy names the page's scripts anew each time.

    folder: where ``zhian graphiql`` puts them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / EDITION
        text = (HERE / "graphiql.html").read_text("utf-8").replace(SCRIPTS, f"/graphiql/{EDITION}")
        self._text = text.replace(EXAMPLES, orjson.dumps(list(examples().values())).decode())

    def __call__(self) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {"content-security-policy": POLICY.format(nonce=nonce)}
        return HTMLResponse(self._text.replace(NONCE, nonce), headers=headers)

    def routes(self) -> list[Route]:
        """``GET /graphiql/…``: what the page loads, found as soon as it has been fetched."""
        return [Route(f"/graphiql/{EDITION}/{{name}}", self._script)]

    async def _script(self, request: Request) -> Response:
        file = self._folder / request.path_params["name"]
        if file.name not in FILES or not file.is_file():
            raise HTTPException(404)
        return FileResponse(file, headers={"cache-control": "max-age=31536000, immutable"})
