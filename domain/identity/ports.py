"""What identity needs from outside: secrecy, and a way to reach a phone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

NO_COMPOUND: Final = 0
"""The area of keys for what belongs to no compound: accounts, codes, messages."""


class KeyErased(LookupError):
    """The value's key was destroyed, and nothing opens it any more."""


class Vault(Protocol):
    """Seals personal data and makes keyed digests; no key is in the database in clear.

    ``place`` names where a value stands, "table|column|row", ``area`` the compound whose key it is sealed under: a
    sealed value moved elsewhere does not open.
    """

    async def ready(self, areas: Collection[int] = ()) -> None:
        """Have the keys of ``areas`` at hand for ``seal``, made if there are none yet. Costs nothing when they are.

        ``NO_COMPOUND`` is ready from the start.
        """
        ...

    def seal(self, plain: str | bytes, place: str, *, area: int = NO_COMPOUND) -> bytes:
        """Encrypt ``plain`` for ``place``. Raises LookupError for an area that was not made ready."""
        ...

    async def open(self, sealed: bytes, place: str, *, area: int = NO_COMPOUND) -> str:
        """Decrypt a text. Raises ValueError when it was changed or stands elsewhere, KeyErased."""
        ...

    async def open_bytes(self, sealed: bytes, place: str, *, area: int = NO_COMPOUND) -> bytes:
        """Decrypt bytes; raises as ``open`` does."""
        ...

    def index(self, column: str, value: str) -> bytes:
        """16 bytes by which ``value`` is found in ``column`` without storing it: a keyed blind index."""
        ...

    def digest(self, column: str, content: bytes) -> bytes:
        """16 bytes by which ``content`` is known again in ``column``: keyed, and quicker than an index."""
        ...


async def shown(vault: Vault, sealed: bytes | None, place: str, *, area: int) -> str | None:
    """The text in ``sealed``; None when there is none, or its key was erased. Raises ValueError as ``open`` does."""
    try:
        return None if sealed is None else await vault.open(sealed, place, area=area)
    except KeyErased:
        return None


class SmsPort(Protocol):
    """Sends a text message. ``key`` is the message's own: sending twice under one key sends once."""

    async def send(self, *, phone: str, text: str, key: str) -> None:
        """Send ``text`` to ``phone`` (E.164)."""
        ...
