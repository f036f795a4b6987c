"""Pictures on disk: ``ab/cd/<sha256>.jpg`` below one directory, re-encoded, never the sender's bytes or name."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from domain.kernel.pictures import PictureRefused, StoredPicture
from integrations.vision.decoder import Budget, Decoder
from integrations.vision.headers import Header, read_header

_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


class LocalPictures:
    """The ``PictureStore`` on a local disk. ``close`` it at the end."""

    def __init__(self, root: Path, *, budget: Budget | None = None, processes: int = 2) -> None:
        self._root = root
        self._budget = budget or Budget()
        self._decoder = Decoder(self._budget, processes=processes)

    async def admit(self, content: bytes) -> StoredPicture:
        """Decode, re-encode and keep a picture; it is on disk when this returns.

        Raises PictureRefused (this picture never) and Unavailable (no picture now).
        """
        header = self._check(content)
        encoded = await self._decoder.recode(content, max(header.width, header.height))
        kept = read_header(encoded)
        if kept is None or kept.format != "jpeg" or max(kept.width, kept.height) > self._budget.edge:
            raise PictureRefused("crashed")  # a worker that answers anything else has been taken over
        sha256 = hashlib.sha256(encoded).hexdigest()
        await asyncio.to_thread(_write, self.path(sha256), encoded)
        return StoredPicture(sha256, kept.width, kept.height, len(encoded))

    async def delete(self, sha256: str, *, spare_seconds: float = 600.0) -> bool:
        """Remove a picture; False when there is none, or it was admitted less than ``spare_seconds`` ago."""
        return await asyncio.to_thread(_delete, self.path(sha256), spare_seconds)

    def path(self, sha256: str) -> Path:
        """Where a picture is, if it is kept. Raises ValueError when ``sha256`` is not 64 hex digits."""
        if not _SHA256.match(sha256):
            raise ValueError("not a sha256")
        return self._root / sha256[:2] / sha256[2:4] / f"{sha256}.jpg"

    async def close(self) -> None:
        """End the decoding processes."""
        await self._decoder.close()

    def _check(self, content: bytes) -> Header:
        if not content:
            raise PictureRefused("empty")
        if len(content) > self._budget.content_bytes:
            raise PictureRefused("too_large")
        header = read_header(content)
        if header is None:
            raise PictureRefused("format")
        if not 0 < header.width * header.height <= self._budget.pixels:
            raise PictureRefused("dimensions")
        if not header.complete:
            raise PictureRefused("damaged")
        return header


def _write(path: Path, content: bytes) -> None:
    """Write atomically and durably, readable by us alone; a picture that is there already becomes new again."""
    with suppress(FileNotFoundError):
        os.utime(path)
        return
    for folder in (path.parent.parent.parent, path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _delete(path: Path, spare_seconds: float) -> bool:
    try:
        if path.stat().st_mtime > time.time() - spare_seconds:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True
