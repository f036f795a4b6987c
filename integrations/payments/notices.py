"""What a vendor's notification may turn out to be: not its own, or not to be understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from domain.community.payments.autopay.ports import AgreementNotice
from domain.community.payments.ports import Notice


class NotAuthentic(Exception):
    """Not signed by the vendor, changed, or too old. Whoever sent it is not told which."""


class NotUnderstood(Exception):
    """Signed by the vendor, but not of a form that is known: it is refused, so that it comes again."""


class ReadsNotices(Protocol):
    """One vendor's notifications."""

    def read(self, headers: Mapping[str, str], body: bytes) -> Notice | AgreementNotice | None:
        """A verified notification; None when it is of nothing that needs an act, and is to be acknowledged.

        headers: by lower-case name; body: the bytes as received. Raises NotAuthentic or NotUnderstood.
        """
        ...
