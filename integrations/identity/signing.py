"""Ed25519 signing keys of access tokens: a key file, rotation, and the public key set (JWKS).

Rotation adds a key and retires the one before; a retired key verifies until the last token it signed has expired. All
processes share the file: one that meets an unknown key id reads it again, at most once a second.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from integrations.identity.keyfile import read_key_file, read_or_create, replace_key_file, sole_writer

TOKEN_LIFETIME = timedelta(minutes=15)
REREAD_SECONDS = 1.0


def b64(raw: bytes) -> str:
    """``raw`` as key files write it: base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes behind ``b64``."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def thumbprint(public: Ed25519PublicKey) -> str:
    """RFC 7638: the key's id is the digest of the key itself."""
    member = {"crv": "Ed25519", "kty": "OKP", "x": b64(public.public_bytes_raw())}
    return b64(hashlib.sha256(json.dumps(member, separators=(",", ":"), sort_keys=True).encode()).digest())


def _new_entry(now: datetime) -> dict[str, Any]:
    private = Ed25519PrivateKey.generate()
    return {
        "kid": thumbprint(private.public_key()),
        "private": b64(private.private_bytes_raw()),
        "created_at": now.isoformat(),
        "retired_at": None,
    }


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair and when it was retired, if it was."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    retired_at: datetime | None

    def verifies_at(self, now: datetime) -> bool:
        """Whether a token signed by this key may still be alive."""
        return self.retired_at is None or now < self.retired_at + TOKEN_LIFETIME


def _parse(entry: dict[str, Any]) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(unb64(entry["private"]))
    retired = entry["retired_at"]
    return SigningKey(
        entry["kid"], private, private.public_key(), datetime.fromisoformat(retired) if retired is not None else None
    )


class SigningKeys:
    """The keys of ``directory``/signing.json, which is made on first use."""

    def __init__(self, directory: Path, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._path = directory / "signing.json"
        self._tick = tick
        self._read_at = tick()
        self._keys: dict[str, SigningKey] = {}
        self._current = ""
        self._read()

    def _read(self) -> None:
        content = read_or_create(self._path, lambda: {"keys": [_new_entry(datetime.now(UTC))]})
        keys = [_parse(entry) for entry in content["keys"]]
        self._keys = {key.kid: key for key in keys}
        self._current = next(key.kid for key in reversed(keys) if key.retired_at is None)
        self._read_at = self._tick()

    def current(self) -> SigningKey:
        """The key that signs. A rotation elsewhere is seen here within a minute or at the first token of it."""
        if self._tick() - self._read_at > 60:
            self._read()
        return self._keys[self._current]

    def verifier(self, kid: str, now: datetime) -> Ed25519PublicKey | None:
        """The public key ``kid``, or None when it is unknown or its last token has expired."""
        if kid not in self._keys and self._tick() - self._read_at >= REREAD_SECONDS:
            self._read()
        key = self._keys.get(kid)
        return key.public if key is not None and key.verifies_at(now) else None

    def jwks(self, now: datetime) -> dict[str, Any]:
        """The public key set (RFC 7517) as served at /.well-known/jwks.json."""
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "use": "sig",
                    "alg": "EdDSA",
                    "kid": key.kid,
                    "x": b64(key.public.public_bytes_raw()),
                }
                for key in self._keys.values()
                if key.verifies_at(now)
            ]
        }

    def rotate(self, now: datetime) -> str:
        """Sign with a new key from now on; returns its id. Keys whose tokens have all expired are dropped."""
        entry = _new_entry(now)
        with sole_writer(self._path.parent):
            kept = [e for e in read_key_file(self._path)["keys"] if _parse(e).verifies_at(now)]
            retired = [{**e, "retired_at": e["retired_at"] or now.isoformat()} for e in kept]
            replace_key_file(self._path, {"keys": [*retired, entry]})
        self._read()
        return self._current
