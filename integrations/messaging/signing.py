"""Signed messages between us and a site's gateway, as the Standard Webhooks specification has them.

https://github.com/standard-webhooks/standard-webhooks: ``webhook-id``, ``webhook-timestamp`` (seconds), and
``webhook-signature``: "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body", one for each secret that holds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from integrations.identity.keyfile import UnsafeKeyFile

TOLERANCE: Final = timedelta(minutes=5)
REREAD_SECONDS: Final = 30.0
MOST_SECRETS: Final = 2
MOST_SIGNATURES: Final = 8
_ID: Final = re.compile(r"[A-Za-z0-9_:-]{1,128}")
_TIMESTAMP: Final = re.compile(r"[1-9][0-9]{8,10}")


class NotAuthentic(Exception):
    """The message is not, or no longer, one of the gateway's. Whoever sent it is not told why."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret of 24 to 64 bytes, and until when it holds, if that is limited."""

    key: bytes
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it signs and verifies at ``now``."""
        return self.until is None or now < self.until


def read_secrets(text: str) -> tuple[Secret, ...]:
    """Secrets of a file: one or two lines ``whsec_<base64>``, each with an instant it holds until, if it is to end.

    Raises ValueError, which quotes no secret.
    """
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not 1 <= len(lines) <= MOST_SECRETS:
        raise ValueError(f"a secret file has one or two secrets, not {len(lines)}")
    return tuple(_read_secret(line) for line in lines)


def _read_secret(line: list[str]) -> Secret:
    try:
        key = base64.b64decode(line[0].removeprefix("whsec_"), validate=True)
        until = datetime.fromisoformat(line[1]) if len(line) == 2 else None
    except (binascii.Error, ValueError):
        raise ValueError("a line of a secret file is whsec_<base64>, and an instant if it is to end") from None
    if not line[0].startswith("whsec_") or not 24 <= len(key) <= 64 or len(line) > 2:
        raise ValueError("a secret is whsec_ and the base64 of 24 to 64 bytes")
    if until is not None and until.tzinfo is None:
        raise ValueError("the instant a secret ends needs a zone")
    return Secret(key, until)


class SecretFile:
    """The secrets of a file, 0600, read again after half a minute: a rotation needs no restart.

    Raises UnsafeKeyFile when others may read it, OSError or ValueError when it cannot be read.
    """

    def __init__(self, path: Path, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._tick = tick
        self._secrets = self._read()
        self._read_at = tick()

    def __call__(self) -> tuple[Secret, ...]:
        """The secrets as they are now; as they were last when the file is being replaced."""
        if self._tick() - self._read_at >= REREAD_SECONDS:
            self._read_at = self._tick()
            try:
                self._secrets = self._read()
            except (OSError, ValueError, UnsafeKeyFile):
                return self._secrets
        return self._secrets

    def _read(self) -> tuple[Secret, ...]:
        if self._path.stat().st_mode & 0o077:
            raise UnsafeKeyFile(f"{self._path} must not be readable by group or others (chmod 600)")
        return read_secrets(self._path.read_text("utf-8"))


Secrets = Callable[[], tuple[Secret, ...]]


def signature(key: bytes, id_: str, timestamp: str, body: bytes) -> bytes:
    """HMAC-SHA256 over "id.timestamp.body"."""
    return hmac.digest(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256)


def sign(secrets: tuple[Secret, ...], *, id_: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of a message. Raises ValueError when ``id_`` cannot be one or no secret holds."""
    if not _ID.fullmatch(id_):
        raise ValueError("an id has letters, digits, '_', ':' and '-' only")
    timestamp = str(int(now.timestamp()))
    signed = [signature(secret.key, id_, timestamp, body) for secret in secrets if secret.holds(now)]
    if not signed:
        raise ValueError("no secret holds any longer")
    return {
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(each).decode()}" for each in signed),
    }


def verify(secrets: tuple[Secret, ...], headers: Mapping[str, str], body: bytes, *, now: datetime) -> str:
    """The id of an authentic message. Raises NotAuthentic; ``headers`` have lower-case names.

    Authentic is not new: whoever acts on a message sees to it that its id is taken once.
    """
    id_, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(id_) or not _TIMESTAMP.fullmatch(timestamp):
        raise NotAuthentic
    if abs(datetime.fromtimestamp(int(timestamp), UTC) - now) > TOLERANCE:
        raise NotAuthentic
    given = _signatures(headers.get("webhook-signature", ""))
    good = False
    for secret in secrets:
        expected = signature(secret.key, id_, timestamp, body)
        for each in given:
            good |= hmac.compare_digest(expected, each) and secret.holds(now)
    if not good:
        raise NotAuthentic
    return id_


def _signatures(header: str) -> list[bytes]:
    parts = header.split(" ")
    if len(header) > 1024 or len(parts) > MOST_SIGNATURES:
        raise NotAuthentic
    try:
        return [base64.b64decode(part[3:], validate=True) for part in parts if part.startswith("v1,")]
    except (binascii.Error, ValueError):
        raise NotAuthentic from None
