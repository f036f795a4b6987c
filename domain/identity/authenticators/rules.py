"""Pure rules of authenticators: time-based one-time passwords (RFC 6238 over RFC 4226) and recovery codes.

HMAC-SHA-1, six digits and steps of 30 seconds are what every authenticator app speaks; HMAC with SHA-1 is approved
(NIST SP 800-131A): its strength does not rest on collisions.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from domain.identity.rules import Allowance

DIGITS: Final = 6
STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
"""How many steps a phone's clock may be before or behind ours."""
SECRET_BYTES: Final = 20
PENDING_LIFE: Final = timedelta(minutes=10)
"""How long an enrolment waits to be confirmed."""
FRESH_SIGN_IN: Final = timedelta(minutes=15)
"""How long after signing in factors may be changed."""
MOST_FAILURES: Final = 100
"""Wrong codes in a row after which only a recovery code or the office helps (NIST SP 800-63B, 3.2.2)."""
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 15
"""120 bits: enough to be kept under a plain keyed hash (ASVS 6.5.2 asks for 112)."""
ISSUER: Final = "Zhian"

ENROLMENT_CODE_LIFE: Final = timedelta(days=1)
"""How long an official may take to come from the one who gave them the role to their phone."""
MOST_ENROLMENT_TRIES: Final = 5

TRIES_PER_ACCOUNT = Allowance("authenticator_tries", timedelta(minutes=15), 10)
"""Codes of one account, right or wrong: ten at once, about a hundred a day. Each needs the phone's code or a sign-in
before, so nobody else can use them up."""
ENROLMENTS_PER_ACCOUNT = Allowance("authenticator_enrolments", timedelta(minutes=5), 10)

_SEPARATORS = str.maketrans("", "", " -\u00a0\u3000")


def new_secret() -> bytes:
    """160 random bits, as RFC 4226 recommends."""
    return secrets.token_bytes(SECRET_BYTES)


def step_at(now: datetime) -> int:
    """The number of the 30 second step that ``now`` is in."""
    return int(now.timestamp()) // STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    """The six digits that an authenticator shows during ``step``."""
    return _totp(secret).generate(step * STEP_SECONDS).decode()


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """The newest step, within the drift, whose code this is. Every step is compared, in constant time."""
    given, found, here = code.encode(), None, step_at(now)
    for step in range(here - DRIFT_STEPS, here + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), given):
            found = step
    return found


def normalise_code(text: str) -> str:
    """A code as people type it, in groups or not: without separators, in capitals."""
    return text.translate(_SEPARATORS).upper()


def is_recovery_code(code: str) -> bool:
    """Whether a normalised code has the length of a recovery code; all else is taken for an authenticator's."""
    return len(code) == RECOVERY_BYTES * 8 // 5


def new_recovery_codes() -> tuple[str, ...]:
    """Ten codes, each six groups of four letters and digits (base32: no 0, 1, 8 or 9)."""
    return tuple(_grouped(_base32(secrets.token_bytes(RECOVERY_BYTES))) for _ in range(RECOVERY_CODES))


def new_enrolment_code() -> str:
    """A code that lets somebody enrol, as long as a recovery code and written like one."""
    return _grouped(_base32(secrets.token_bytes(RECOVERY_BYTES)))


def shown_secret(secret: bytes) -> str:
    """The secret as it is typed into an app that cannot scan: base32 in capitals."""
    return _base32(secret)


def enrolment_uri(secret: bytes, label: str) -> str:
    """The ``otpauth://totp/…`` address that apps read from a QR code; ``label`` tells accounts apart in the app."""
    return _totp(secret).get_provisioning_uri(label, ISSUER)


def label_of(phone: str) -> str:
    """A phone (E.164) of which only the country, the first digits and the last four are told: apps show it openly."""
    return f"{phone[:6]}****{phone[-4:]}"


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - in HMAC, as RFC 6238 and every app have it


def _base32(content: bytes) -> str:
    return base64.b32encode(content).decode()


def _grouped(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
