"""What identity needs from outside: secrecy, and a way to reach a phone."""

from __future__ import annotations

from typing import Protocol


class Vault(Protocol):
    """Seals personal data and makes keyed digests; the keys never reach the database.

    ``place`` names where a value stands, "table|column|row": a sealed value moved elsewhere does not open.
    """

    def seal(self, plain: str, place: str) -> bytes:
        """Encrypt ``plain`` for ``place``."""
        ...

    def open(self, sealed: bytes, place: str) -> str:
        """Decrypt what was sealed for ``place``. Raises ValueError when it was changed or stands elsewhere."""
        ...

    def index(self, column: str, value: str) -> bytes:
        """16 bytes by which ``value`` is found in ``column`` without storing it: a keyed blind index."""
        ...


class SmsPort(Protocol):
    """Sends a text message. ``key`` is the message's own: sending twice under one key sends once."""

    async def send(self, *, phone: str, text: str, key: str) -> None:
        """Send ``text`` to ``phone`` (E.164)."""
        ...
