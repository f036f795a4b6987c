"""Sealed fields (AES-256-GCM) under a data key per compound, and blind indexes (HMAC-SHA256).

A sealed value is: 2 (format) | area, 4 bytes | version of the area's key, 2 bytes | 12 byte nonce | ciphertext and tag.
Format, area and version are authenticated together with the value's place. Data keys stand in the database wrapped by
keys from a file (``wrapping``); a process holds them in memory and asks for them again every minute, and whenever it
meets a version it does not know.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import struct
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.identity.ports import NO_COMPOUND, KeyErased
from integrations.identity.data_keys import StoredKey, make_keys, stored_keys
from integrations.identity.wrapping import NONCE, Wrapped, WrappingKeys

FORMAT = 2
HEAD = struct.Struct(">BIH")
TAG = 16
INDEX_BYTES = 16
REFRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Key:
    """A data key at hand; ``cipher`` is None once it was erased."""

    head: bytes
    cipher: AESGCM | None


class _Hmac:
    """HMAC-SHA256 (RFC 2104) whose key is hashed once: half the time of ``hmac.digest`` for short values."""

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def of(self, value: bytes) -> bytes:
        """The authentication code of ``value``, 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value)
        outer.update(inner.digest())
        return outer.digest()


class EnvelopeVault:
    """Implements ``domain.identity.ports.Vault``. ``ready`` it once before use (``open_vault`` does)."""

    def __init__(
        self, engine: AsyncEngine, keys: WrappingKeys, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._wrapping = keys
        self._monotonic = monotonic
        self._loading = asyncio.Lock()
        self._believed_until = float("-inf")
        self._known: dict[bytes, _Key] = {}
        self._sealing: dict[int, _Key] = {}
        self._columns: dict[str, _Hmac] = {}
        self._digests: dict[str, bytes] = {}

    async def ready(self, areas: Collection[int] = ()) -> None:
        """Have the keys of ``areas`` at hand, made if there are none; see what was rotated or erased meanwhile."""
        if self._is_ready(areas):
            return
        async with self._loading:
            if self._is_ready(areas):
                return
            await self._load()
            missing = [area for area in areas if area not in self._sealing]
            if missing:
                # A key made now must not need an older wrapping. Read here, not in a thread: it is a small file, and
                # whoever records must not wait for a place among threads that wait for what is recorded.
                self._wrapping.read_again()
                await make_keys(self._engine, self._wrapping, missing)
                await self._load()

    def _is_ready(self, areas: Collection[int]) -> bool:
        sealing = self._sealing
        return self._monotonic() < self._believed_until and all(area in sealing for area in areas)

    async def _load(self) -> None:
        asked = self._monotonic()
        rows = await stored_keys(self._engine)
        known = {head: self._key(head, row) for row in rows for head in (_head(row.area_id, row.version),)}
        self._sealing = {row.area_id: known[_head(row.area_id, row.version)] for row in rows if row.wrapped is not None}
        self._known = known
        self._believed_until = asked + REFRESH_SECONDS

    def _key(self, head: bytes, row: StoredKey) -> _Key:
        if row.wrapped is None:
            return _Key(head, None)
        known = self._known.get(head)
        if known is not None and known.cipher is not None:
            return known
        return _Key(head, AESGCM(self._wrapping.unwrap(Wrapped(row.area_id, row.version, row.wrapped, row.kek))))

    def seal(self, plain: str | bytes, place: str, *, area: int = NO_COMPOUND) -> bytes:
        """Encrypt ``plain`` for ``place`` under the newest key of ``area``. Raises LookupError unless it is ready."""
        key = self._sealing[area]
        nonce = os.urandom(NONCE)
        content = plain if isinstance(plain, bytes) else plain.encode()
        assert key.cipher is not None  # noqa: S101 - only keys that are there seal
        return key.head + nonce + key.cipher.encrypt(nonce, content, key.head + place.encode())

    async def open(self, sealed: bytes, place: str, *, area: int = NO_COMPOUND) -> str:
        """Decrypt a text. Raises ValueError when it was changed or stands elsewhere, KeyErased."""
        return (await self.open_bytes(sealed, place, area=area)).decode()

    async def open_bytes(self, sealed: bytes, place: str, *, area: int = NO_COMPOUND) -> bytes:
        """Decrypt bytes. Raises ValueError when they were changed or stand elsewhere, KeyErased."""
        if len(sealed) < HEAD.size + NONCE + TAG or sealed[0] != FORMAT:
            raise ValueError("not a sealed value")
        head = sealed[: HEAD.size]
        if head[1:5] != area.to_bytes(4, "big"):
            raise ValueError("the sealed value stands in another area")
        key = await self._find(head)
        if key.cipher is None:
            raise KeyErased(f"the key of area {area} was erased")
        nonce, body = sealed[HEAD.size : HEAD.size + NONCE], sealed[HEAD.size + NONCE :]
        try:
            return key.cipher.decrypt(nonce, body, head + place.encode())
        except InvalidTag:
            raise ValueError("the sealed value was changed or stands elsewhere") from None

    async def _find(self, head: bytes) -> _Key:
        """The key a value was sealed under. Raises ValueError when there is none and never was."""
        await self.ready()
        found = self._known.get(head)
        if found is None:
            async with self._loading:
                await self._load()
            found = self._known.get(head)
        if found is None:
            raise ValueError("sealed under a key that is not there")
        return found

    def index(self, column: str, value: str) -> bytes:
        """The keyed blind index of ``value`` in ``column``: 16 bytes of HMAC-SHA256."""
        keyed = self._columns.get(column)
        if keyed is None:
            keyed = self._columns[column] = _Hmac(self._column_key(column))
        return keyed.of(value.encode())[:INDEX_BYTES]

    def digest(self, column: str, content: bytes) -> bytes:
        """The keyed digest of ``content`` in ``column``: 16 bytes of BLAKE2b."""
        key = self._digests.get(column)
        if key is None:
            key = self._digests[column] = self._column_key(f"digest|{column}")
        return hashlib.blake2b(content, key=key, digest_size=INDEX_BYTES).digest()

    def _column_key(self, column: str) -> bytes:
        return hmac.digest(self._wrapping.index_key, column.encode(), "sha256")


def _head(area: int, version: int) -> bytes:
    return HEAD.pack(FORMAT, area, version)


async def open_vault(directory: Path, engine: AsyncEngine) -> EnvelopeVault:
    """The vault of ``directory``/vault.json, made on first use, and the data keys behind ``engine``; ready for use.

    Raises UnsafeKeyFile, and WrongWrappingKey when the file does not belong to the database.
    """
    vault = EnvelopeVault(engine, await asyncio.to_thread(WrappingKeys, directory))
    await vault.ready((NO_COMPOUND,))
    return vault
