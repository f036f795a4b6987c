"""Sealed fields (AES-256-GCM) and blind indexes (HMAC-SHA256) under keys from a file.

A sealed value is: 1 (format) | length of the key's name | name | 12 byte nonce | ciphertext and tag. The key's name is
authenticated too. Rotation adds a key; values sealed under an older one still open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.kernel.clock import system_clock
from integrations.identity.keyfile import read_or_create, replace_key_file, sole_writer

FORMAT = 1
NONCE = 12
INDEX_BYTES = 16


def _new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _new_file() -> dict[str, Any]:
    created = {"1": system_clock().isoformat()}
    return {"current": "1", "keys": {"1": _new_key()}, "index": _new_key(), "created_at": created}


@dataclass(frozen=True, slots=True)
class KeyFileVault:
    """Implements ``domain.identity.ports.Vault``."""

    current: str
    keys: dict[str, bytes]
    index_key: bytes

    @classmethod
    def open_file(cls, directory: Path) -> KeyFileVault:
        """The vault of ``directory``/vault.json, which is made on first use."""
        content = read_or_create(directory / "vault.json", _new_file)
        keys = {name: base64.b64decode(key) for name, key in content["keys"].items()}
        return cls(content["current"], keys, base64.b64decode(content["index"]))

    def seal(self, plain: str, place: str) -> bytes:
        """Encrypt ``plain`` for ``place`` under the current key."""
        name = self.current.encode()
        head = bytes((FORMAT, len(name))) + name
        nonce = os.urandom(NONCE)
        return head + nonce + AESGCM(self.keys[self.current]).encrypt(nonce, plain.encode(), head + place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Decrypt what was sealed for ``place``. Raises ValueError when it was changed or stands elsewhere."""
        start = 2 + (sealed[1] if len(sealed) > 1 else 0)
        head, nonce, body = sealed[:start], sealed[start : start + NONCE], sealed[start + NONCE :]
        key = self.keys.get(head[2:].decode("ascii", "replace"))
        if sealed[:1] != bytes((FORMAT,)) or key is None or len(nonce) != NONCE:
            raise ValueError("not a sealed value of this vault")
        try:
            return AESGCM(key).decrypt(nonce, body, head + place.encode()).decode()
        except InvalidTag:
            raise ValueError("the sealed value was changed or stands elsewhere") from None

    def index(self, column: str, value: str) -> bytes:
        """The keyed blind index of ``value`` in ``column``: 16 bytes."""
        column_key = hmac.digest(self.index_key, column.encode(), hashlib.sha256)
        return hmac.digest(column_key, value.encode(), hashlib.sha256)[:INDEX_BYTES]


def rotate_vault_key(directory: Path, now: datetime | None = None) -> str:
    """Add a key that new values are sealed under; returns its name. Processes take it up at their next start."""
    path = directory / "vault.json"
    read_or_create(path, _new_file)
    with sole_writer(directory):
        content = read_or_create(path, _new_file)
        name = str(max(map(int, content["keys"])) + 1)
        keys = {**content["keys"], name: _new_key()}
        created = {**content.get("created_at", {}), name: (now or system_clock()).isoformat()}
        replace_key_file(path, {**content, "current": name, "keys": keys, "created_at": created})
    return name
