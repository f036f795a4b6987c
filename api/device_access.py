"""Which device sends a request: Bearer, Basic, Digest with SHA-256; and the weak ways, where they are allowed.

Weak are Digest with MD5 and a secret in the path. The deployment must allow them and the device be registered for them;
otherwise they answer like any wrong credential.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response

from api.json import JsonResponse
from domain.identity.ports import Vault, shown
from domain.security.devices.directory import DeviceDirectory, DeviceRef, DigestSecret, device_number
from domain.security.devices.secrets import REALM, Algorithm, WeakWay, digest_place
from integrations.devices import digest

log = structlog.get_logger(__name__)

NOT_ALLOWED = "not_allowed"
WAYS = ("bearer", "basic", "digest")


class DeviceAccess:
    """Checks device credentials; one answer for every kind of failure.

    weak: whether devices registered for a weak way may use it. ``counts``: what went by each weak way ("digest_md5",
    "path_secret"), and what was refused as the deployment allows none.
    """

    def __init__(
        self, directory: DeviceDirectory, vault: Vault, *, weak: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self._directory = directory
        self._vault = vault
        self._clock = clock
        self._weak = weak
        self._offered = tuple(Algorithm) if weak else (Algorithm.SHA256,)
        self.counts: Counter[str] = Counter(dict.fromkeys((*WeakWay, NOT_ALLOWED), 0))

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
        if not self._weak:
            self._not_allowed("path", device_id)
            return None
        found = None if device_id is None else await self._directory.by_path(device_id, path_secret)
        if found is None:
            log.info("device_refused", way="path", claimed=device_id)
            return None
        self.counts[WeakWay.PATH_SECRET] += 1
        return found

    def _not_allowed(self, way: str, device_id: int | None) -> None:
        """Take note of a weak way that is tried where none is allowed: the device may have to be set up anew."""
        self.counts[NOT_ALLOWED] += 1
        log.info("device_refused", way=way, claimed=device_id, weak=True)

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
        answer = JsonResponse({"code": "UNAUTHENTICATED"}, 401)
        for algorithm in self._offered:  # the one we would have first (RFC 7616 §3.7), each in a header of its own
            offer = digest.challenge(REALM, nonce, algorithm=algorithm, stale=stale)
            answer.headers.append("WWW-Authenticate", offer)
        return answer

    async def _by_digest(self, request: Request, said: digest.DigestAnswer) -> DeviceRef | None:
        if said.algorithm is None or not digest.nonce_holds(said.nonce, self._clock(), self._mac):
            return None
        if said.algorithm not in self._offered:
            self._not_allowed("digest_md5", device_number(said.username))
            return None
        device, secrets = await self._directory.digest_secrets(said.username)
        if device is None:
            return None
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        known = [await self._ha1(device, secret, said.algorithm) for secret in secrets]
        good = [ha1 for ha1 in known if ha1 and digest.answers(said, method=request.method, path=path, ha1=ha1)]
        if good and said.algorithm is Algorithm.MD5:
            self.counts[WeakWay.DIGEST_MD5] += 1
        return device if good else None

    async def _ha1(self, device: DeviceRef, secret: DigestSecret, algorithm: Algorithm) -> str | None:
        """None where the device may not sign in so, or its compound's key was erased."""
        place = digest_place(algorithm, secret.secret_hash)
        return await shown(self._vault, secret.sealed(algorithm), place, area=device.compound_id)

    def _mac(self, text: str) -> bytes:
        return self._vault.index("digest.nonce", text)
