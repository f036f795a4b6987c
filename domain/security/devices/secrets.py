"""Secrets of devices: made here, told once, and stored only as what checks them.

The strong ways in are Bearer, Basic, MQTT and HTTP Digest with SHA-256. The weak ones exist for a device only where it
was registered for them: of any other nothing is stored that could let it in so.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from domain.identity.ports import Vault
from domain.kernel.errors import Messages

REALM: Final = "zhian"


class WeakWay(StrEnum):
    """A way in that old firmware needs and that nobody should use who has another."""

    DIGEST_MD5 = "digest_md5"
    PATH_SECRET = "path_secret"  # noqa: S105 - the name of a way

    @property
    def warning(self) -> Messages:
        """What whoever lets a device in by it has to know."""
        return _WARNINGS[self]


_WARNINGS: Final[dict[WeakWay, Messages]] = {
    WeakWay.DIGEST_MD5: {
        "zh-CN": "该设备可使用 MD5 摘要认证，此算法已不安全。固件支持 SHA-256 摘要或令牌后，请更换凭证并取消此方式",
        "en": "This device may sign in by Digest with MD5, which is broken. Once its firmware speaks Digest with "
        "SHA-256 or sends a token, rotate its credential without this way",
    },
    WeakWay.PATH_SECRET: {
        "zh-CN": "该设备的地址中含有密钥，可能留在代理日志中。请仅通过 TLS 使用，不要记录 /devices/ 下的路径；"
        "设备能发送请求头后请更换凭证",
        "en": "This device's address holds a secret that may end up in a proxy's log. Use it over TLS only, log no "
        "paths below /devices/, and rotate the credential once the device can send a header",
    },
}


class Algorithm(StrEnum):
    """The hash of HTTP Digest, as RFC 7616 names it, in the order in which we would have it."""

    SHA256 = "SHA-256"
    MD5 = "MD5"

    def of(self, text: str) -> str:
        """The hash of ``text`` in hexadecimal."""
        if self is Algorithm.SHA256:
            return hashlib.sha256(text.encode()).hexdigest()
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Secret:
    """A fresh device secret, shown once. ``path_secret``: only of a device registered for it, like ``digest_md5``."""

    credential: str
    path_secret: str | None = None
    digest_md5: bool = False

    @property
    def weak_ways(self) -> tuple[WeakWay, ...]:
        """The weak ways in that it opens."""
        has = {WeakWay.DIGEST_MD5: self.digest_md5, WeakWay.PATH_SECRET: self.path_secret is not None}
        return tuple(way for way in WeakWay if has[way])


def new_secret(weak_ways: Collection[WeakWay] = ()) -> Secret:
    """256-bit secrets, url-safe."""
    return Secret(
        credential="zd_" + secrets.token_urlsafe(32),
        path_secret=secrets.token_urlsafe(32) if WeakWay.PATH_SECRET in weak_ways else None,
        digest_md5=WeakWay.DIGEST_MD5 in weak_ways,
    )


def hashed(secret: str) -> bytes:
    """sha256; the secrets are random, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).digest()


def ha1(algorithm: Algorithm, device_id: int, credential: str) -> str:
    """HA1 of HTTP Digest (RFC 7616 §3.4.2): who has it can sign in by Digest, so it is stored sealed."""
    return algorithm.of(f"{device_id}:{REALM}:{credential}")


def digest_place(algorithm: Algorithm, secret_hash: bytes) -> str:
    """Where a credential's HA1 stands; see ``Vault``."""
    column = "digest_sha256" if algorithm is Algorithm.SHA256 else "digest_md5"
    return f"device_credential|{column}|{secret_hash.hex()}"


def verifiers(secret: Secret, *, device_id: int, compound_id: int, vault: Vault) -> dict[str, Any]:
    """Columns of ``device_credential``; the compound's key is ready."""
    known = hashed(secret.credential)

    def sealed(algorithm: Algorithm) -> bytes:
        said = ha1(algorithm, device_id, secret.credential)
        return vault.seal(said, digest_place(algorithm, known), area=compound_id)

    return {
        "device_id": device_id,
        "secret_hash": known,
        "digest_sha256": sealed(Algorithm.SHA256),
        "digest_md5": sealed(Algorithm.MD5) if secret.digest_md5 else None,
        "path_hash": hashed(secret.path_secret) if secret.path_secret is not None else None,
    }
