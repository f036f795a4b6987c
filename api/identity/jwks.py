"""/.well-known/jwks.json: the public keys that verify access tokens (RFC 7517)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.kernel.clock import Clock, system_clock
from integrations.identity.signing import SigningKeys

CACHE_SECONDS = 300  # well below a token's life: a key is published long enough after a rotation


def jwks_route(keys: SigningKeys, *, clock: Clock = system_clock) -> Route:
    """The route that answers with the public key set."""

    async def answer(_: Request) -> JSONResponse:
        return JSONResponse(
            keys.jwks(clock()),
            media_type="application/jwk-set+json",
            headers={"cache-control": f"public, max-age={CACHE_SECONDS}", "access-control-allow-origin": "*"},
        )

    return Route("/.well-known/jwks.json", answer, methods=["GET"])
