"""Access tokens: EdDSA JSON web tokens of at most 15 minutes (RFC 9068, typ at+jwt).

The algorithm is pinned, the key is looked up by id in a dictionary, all claims are required, duplicate members are
refused, and nothing in the token can name a key. Whether the sign-in still stands is asked of the database.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from domain.kernel.errors import Unauthenticated
from integrations.identity.signing import TOKEN_LIFETIME, SigningKeys

AUDIENCE = "zhian"
TYPE = "at+jwt"
REQUIRED = ("exp", "iat", "nbf", "jti", "sub", "aud", "iss", "sid", "ver")
MAX_TOKEN = 2048
SKEW = timedelta(seconds=5)
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says."""

    account_id: int
    session_id: int
    token_version: int
    expires_at: datetime


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _strict_json(part: str) -> dict[str, Any]:
    """The object in a token's part; PyJWT itself lets the last of duplicate members win."""
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    value = json.loads(raw, object_pairs_hook=_once)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - malformed text, not a caller's mistake
    return value


class AccessTokens:
    """Issues and verifies access tokens."""

    def __init__(self, keys: SigningKeys, *, issuer: str, lifetime: timedelta = TOKEN_LIFETIME) -> None:
        if not timedelta(0) < lifetime <= TOKEN_LIFETIME:
            raise ValueError("an access token lives 15 minutes at most")
        self.keys = keys
        self.issuer = issuer
        self.lifetime = lifetime

    def issue(self, *, account_id: int, session_id: int, token_version: int, now: datetime) -> tuple[str, datetime]:
        """A token for a sign-in and when it expires."""
        key = self.keys.current()
        start = int(now.timestamp())
        expires = start + int(self.lifetime.total_seconds())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": str(account_id),
            "sid": str(session_id),
            "ver": token_version,
            "jti": secrets.token_urlsafe(12),
            "iat": start,
            "nbf": start,
            "exp": expires,
        }
        token = jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid, "typ": TYPE})
        return token, datetime.fromtimestamp(expires, UTC)

    def verify(self, token: str, now: datetime) -> Claims:
        """What ``token`` says, if it was issued here and is alive. Raises Unauthenticated otherwise."""
        try:
            return self._claims(token, now)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
            raise Unauthenticated from None

    def _claims(self, token: str, now: datetime) -> Claims:
        parts = token.split(".")
        if len(token) > MAX_TOKEN or len(parts) != 3:
            raise ValueError("not a token")
        header = _strict_json(parts[0])
        _strict_json(parts[1])
        kid = header.get("kid")
        if header.get("typ") != TYPE or not isinstance(kid, str) or not _KID.fullmatch(kid):
            raise ValueError("not an access token")
        key = self.keys.verifier(kid, now)
        if key is None:
            raise ValueError("unknown key")
        claims = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=AUDIENCE,
            issuer=self.issuer,
            options={"require": list(REQUIRED), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        return self._alive(claims, now)

    def _alive(self, claims: dict[str, Any], now: datetime) -> Claims:
        """Times are checked against the injected clock, and no token may claim a longer life than is issued."""
        times = [claims[name] for name in ("iat", "nbf", "exp")]
        version = claims["ver"]
        if any(type(value) is not int for value in (*times, version)):
            raise ValueError("times and version are whole numbers")
        issued, begins, ends = (datetime.fromtimestamp(value, UTC) for value in times)
        if not (issued - SKEW <= now and begins - SKEW <= now < ends <= issued + TOKEN_LIFETIME):
            raise ValueError("not alive")
        numbers = [claims["sub"], claims["sid"]]
        if not all(isinstance(n, str) and _NUMBER.fullmatch(n) for n in numbers):
            raise ValueError("subject and session are numbers")
        return Claims(int(numbers[0]), int(numbers[1]), version, ends)
