"""The key file of sealed fields: keys that wrap data keys (AES-256-GCM), and the key of blind indexes.

Data keys stand in the database, wrapped; what is in this file never does. A wrapped key is 12 bytes of nonce,
ciphertext and tag, bound to the area and version it is the key of.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.kernel.clock import system_clock
from integrations.identity.keyfile import read_key_file, read_or_create, replace_key_file, sole_writer

FILE = "vault.json"
NONCE = 12


class WrongWrappingKey(RuntimeError):
    """A data key does not open with this key file: it is another deployment's, or an older copy."""


def _new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _new_file() -> dict[str, Any]:
    created = {"1": system_clock().isoformat()}
    return {"current": "1", "keys": {"1": _new_key()}, "index": _new_key(), "created_at": created}


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key as the database holds it; ``kek`` names the key that opens it."""

    area_id: int
    version: int
    wrapped: bytes
    kek: str

    @property
    def place(self) -> bytes:
        """What the wrapping is bound to."""
        return f"data_key|{self.area_id}|{self.version}".encode()


class WrappingKeys:
    """The keys in ``directory``/vault.json, which is made on first use. A name not known is looked for in the file."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        content = read_or_create(self._path, _new_file)
        self.index_key = base64.b64decode(content["index"])
        self._take(content)

    def _take(self, content: dict[str, Any]) -> None:
        self.current: str = content["current"]
        self._keys = {name: AESGCM(base64.b64decode(key)) for name, key in content["keys"].items()}

    def read_again(self) -> None:
        """Take up what was rotated since."""
        self._take(read_key_file(self._path))

    def wrap(self, key: bytes, area_id: int, version: int) -> Wrapped:
        """``key`` under the current wrapping key."""
        made = Wrapped(area_id, version, b"", self.current)
        nonce = os.urandom(NONCE)
        sealed = nonce + self._keys[self.current].encrypt(nonce, key, made.place)
        return Wrapped(area_id, version, sealed, self.current)

    def unwrap(self, data_key: Wrapped) -> bytes:
        """The data key in clear. Raises WrongWrappingKey."""
        if data_key.kek not in self._keys:
            self.read_again()
        try:
            key = self._keys[data_key.kek]
            return key.decrypt(data_key.wrapped[:NONCE], data_key.wrapped[NONCE:], data_key.place)
        except (KeyError, InvalidTag):
            raise WrongWrappingKey(
                f"WRONG_KEY_FILE: {self._path} does not open the data key of area {data_key.area_id}; "
                "restore the key file that belongs to this database"
            ) from None


def add_wrapping_key(directory: Path, now: datetime | None = None) -> str:
    """Add a key that data keys are wrapped under from now on; returns its name. Older ones stay: backups need them."""
    path = directory / FILE
    read_or_create(path, _new_file)
    with sole_writer(directory):
        content = read_key_file(path)
        name = str(max(map(int, content["keys"])) + 1)
        keys = {**content["keys"], name: _new_key()}
        created = {**content.get("created_at", {}), name: (now or system_clock()).isoformat()}
        replace_key_file(path, {**content, "current": name, "keys": keys, "created_at": created})
    return name
