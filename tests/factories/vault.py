"""A vault whose data keys are in memory: for tests that seal and open without asking a database for keys."""

from __future__ import annotations

import os
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.identity.ports import NO_COMPOUND
from integrations.identity.vault import EnvelopeVault, _head, _Key


class MemoryVault(EnvelopeVault):
    """Makes keys as they are asked for. ``rotate`` and ``erase`` do to one area what the commands do."""

    def __init__(self, index_key: bytes = bytes(32)) -> None:
        nothing: Any = None
        keys: Any = SimpleNamespace(index_key=index_key)
        super().__init__(nothing, keys)
        self.rotate(NO_COMPOUND)

    async def ready(self, areas: Collection[int] = ()) -> None:
        for area in areas:
            if area not in self._sealing:
                self.rotate(area)

    async def _load(self) -> None:
        return

    def rotate(self, area: int) -> None:
        version = 1 + max(
            (int.from_bytes(h[5:], "big") for h in self._known if h[1:5] == area.to_bytes(4, "big")), default=0
        )
        head = _head(area, version)
        self._known[head] = self._sealing[area] = _Key(head, AESGCM(os.urandom(32)))

    def erase(self, area: int) -> None:
        self._known = {h: _Key(h, None) if h[1:5] == area.to_bytes(4, "big") else k for h, k in self._known.items()}
        self._sealing.pop(area, None)
