"""What the audit log needs from outside: a key that is not in the database, and a place beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.identity.audit.rules import Seal


class HeadSigner(Protocol):
    """Signs ends of chains and knows the signatures of all its keys, retired ones too."""

    def sign(self, text: bytes) -> tuple[str, bytes]:
        """The key's id and its signature of ``text``."""
        ...

    def verifies(self, kid: str, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` of ``text`` is by the key ``kid`` of this deployment."""
        ...


class HeadLog(Protocol):
    """Keeps signed ends outside the database, where another system can take them away."""

    def append(self, seals: Sequence[Seal]) -> None:
        """Write them down; they are on disk when this returns."""
        ...
