"""Which device sends a request: Bearer, Basic, Digest, or a secret in its path."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response

from api.json import JsonResponse
from domain.identity.ports import Vault
from domain.security.devices.directory import REALM, DeviceDirectory, DeviceRef, device_number
from integrations.devices import digest

log = structlog.get_logger(__name__)

WAYS = ("bearer", "basic", "digest")


class DeviceAccess:
    """Checks device credentials; one answer for every kind of failure."""

    def __init__(self, directory: DeviceDirectory, vault: Vault, *, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._vault = vault
        self._clock = clock

    async def by_header(self, request: Request) -> DeviceRef | None:
        """The device behind the Authorization header, or None."""
        header = request.headers.get("authorization", "")
        if header[:7].lower() == "bearer ":
            return await self._directory.by_bearer(header[7:].strip())
        if (pair := digest.basic(header)) is not None:
            return await self._directory.authenticate(*pair)
        if (said := digest.digest(header)) is not None:
            return await self._by_digest(request, said)
        return None

    async def by_path(self, name: str, path_secret: str) -> DeviceRef | None:
        """The device a path secret belongs to, if ``name`` is its id (or global id), or None."""
        device_id = device_number(name)
        found = None if device_id is None else await self._directory.by_path(device_id, path_secret)
        if found is None:
            log.info("device_refused", way="path", claimed=device_id)
        return found

    def refusal(self, request: Request) -> Response:
        """401 with a Digest challenge; ``stale`` when only the nonce was old."""
        header = request.headers.get("authorization", "")
        said, pair = digest.digest(header), digest.basic(header)
        if header:  # without one it is Digest's first step, not an attempt
            claimed = said.username if said is not None else pair[0] if pair is not None else ""
            way = header.partition(" ")[0].lower()  # a credential may stand in its place
            log.info("device_refused", way=way if way in WAYS else "other", claimed=device_number(claimed))
        stale = said is not None and not digest.nonce_holds(said.nonce, self._clock(), self._mac)
        nonce = digest.new_nonce(self._clock(), self._mac)
        headers = {"WWW-Authenticate": digest.challenge(REALM, nonce, stale=stale)}
        return JsonResponse({"code": "UNAUTHENTICATED"}, 401, headers=headers)

    async def _by_digest(self, request: Request, said: digest.DigestAnswer) -> DeviceRef | None:
        if not digest.nonce_holds(said.nonce, self._clock(), self._mac):
            return None
        device, secrets = await self._directory.digest_secrets(said.username)
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        good = [ha1 for ha1 in secrets if digest.answers(said, method=request.method, path=path, ha1=ha1)]
        return device if good else None

    def _mac(self, text: str) -> bytes:
        return self._vault.index("digest.nonce", text)
