"""What happened in identity and must be told outside. Payloads stand in the outbox: secrets are sealed in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class SignInCodeRequested(DomainEvent):
    """A one-time code waits to be sent. ``phone`` and ``code`` are sealed (base64); ``expires_at`` is ISO 8601;
    ``purpose`` as in ``rules.Purpose``, absent in events of earlier versions."""

    name: ClassVar[str] = "sign_in_code.requested"

    code_id: int
    phone: str
    code: str
    language: str
    expires_at: str
    purpose: str = "sign_in"


@dataclass(frozen=True, slots=True)
class AuthenticatorChanged(DomainEvent):
    """An account's phones are to be told. ``change``: confirmed, removed, reset or recovery_code_used."""

    name: ClassVar[str] = "authenticator.changed"

    account_id: int
    change: str


@dataclass(frozen=True, slots=True)
class ResidentLeft(DomainEvent):
    """Somebody belongs to a home no longer. ``at``: since when, ISO 8601."""

    name: ClassVar[str] = "resident.left"

    home_id: int
    account_id: int
    at: str


@dataclass(frozen=True, slots=True)
class NumberTold(DomainEvent):
    """The holder of a number, and the phones the account is signed in on, are told what happens to it. ``what``:
    "move_asked", "moved" or "changed"; ``phone``, the number, is sealed (base64) under ``key``, which names the
    message."""

    name: ClassVar[str] = "number.told"

    account_id: int
    what: str
    phone: str
    language: str
    key: str
