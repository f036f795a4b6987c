"""What notifications need from outside: a way to push to an account's phones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Push:
    """One push to all phones of one account.

    ``collapse``: a later push with the same word takes the place of an earlier one on the phone. ``urgent``: may sound
    in quiet hours. ``link``: the alert's place in the app, without personal data: pushes pass through other companies.
    """

    account_id: int
    title: str
    body: str
    collapse: str
    urgent: bool
    link: str


class PushPort(Protocol):
    """Hands pushes to a provider."""

    async def push(self, push: Push, *, key: str) -> str:
        """Hand ``push`` over and return the provider's id of it; the same ``key`` twice is sent once.

        Raises Unavailable when the provider did not take it, or did not say: calling again with the key is safe.
        """
        ...
