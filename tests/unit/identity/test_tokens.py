"""Access tokens: the closed list of attacks on them. Each forged token differs from a good one in one thing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.kernel.errors import Unauthenticated
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import REQUIRED, AccessTokens

ISSUER = "https://zhian.test"
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys(tmp_path)


@pytest.fixture
def tokens(keys: SigningKeys) -> AccessTokens:
    return AccessTokens(keys, issuer=ISSUER)


def claims(**changes: Any) -> dict[str, Any]:
    start = int(NOW.timestamp())
    good = {
        "iss": ISSUER,
        "aud": "zhian",
        "sub": "7",
        "sid": "9",
        "ver": 1,
        "jti": "j",
        "iat": start,
        "nbf": start,
        "exp": start + 900,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(keys: SigningKeys, header: bytes | dict[str, Any], payload: bytes | dict[str, Any]) -> str:
    """A token with these very bytes, signed by the true key."""
    parts = [b64(p if isinstance(p, bytes) else json.dumps(p).encode()) for p in (header, payload)]
    signature = keys.current().private.sign(".".join(parts).encode())
    return ".".join((*parts, b64(signature)))


def head(keys: SigningKeys, **changes: Any) -> dict[str, Any]:
    good = {"alg": "EdDSA", "typ": "at+jwt", "kid": keys.current().kid}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def refuses(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(token, NOW)


def test_a_token_issued_here_says_who_and_until_when(tokens: AccessTokens) -> None:
    token, expires_at = tokens.issue(account_id=7, session_id=9, token_version=3, now=NOW)
    found = tokens.verify(token, NOW)
    assert (found.account_id, found.session_id, found.token_version) == (7, 9, 3)
    assert found.expires_at == expires_at == NOW + timedelta(minutes=15)


def test_the_hand_made_good_token_is_good(tokens: AccessTokens, keys: SigningKeys) -> None:
    assert tokens.verify(signed(keys, head(keys), claims()), NOW).account_id == 7


def test_two_tokens_of_one_instant_differ(tokens: AccessTokens) -> None:
    first, _ = tokens.issue(account_id=7, session_id=9, token_version=3, now=NOW)
    second, _ = tokens.issue(account_id=7, session_id=9, token_version=3, now=NOW)
    assert first != second


@pytest.mark.parametrize("alg", ["none", "nOnE", "None", "NONE"])
def test_no_signature_is_refused(tokens: AccessTokens, keys: SigningKeys, alg: str) -> None:
    body = signed(keys, head(keys, alg=alg), claims()).rpartition(".")[0]
    refuses(tokens, f"{body}.")


def hmac_with(keys: SigningKeys, secret: bytes) -> str:
    parts = [b64(json.dumps(p).encode()) for p in (head(keys, alg="HS256"), claims())]
    return ".".join((*parts, b64(hmac.digest(secret, ".".join(parts).encode(), hashlib.sha256))))


@pytest.mark.parametrize(
    "secret",
    [
        lambda k: k.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        lambda k: k.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        lambda k: k.public.public_bytes_raw(),
        lambda k: json.dumps({"kty": "OKP", "crv": "Ed25519", "x": b64(k.public.public_bytes_raw())}).encode(),
        lambda k: b"12345678",
    ],
    ids=["pem", "der", "raw", "jwk", "short"],
)
def test_the_public_key_as_hmac_secret_is_refused(
    tokens: AccessTokens, keys: SigningKeys, secret: Callable[[Any], bytes]
) -> None:
    refuses(tokens, hmac_with(keys, secret(keys.current())))


def test_another_asymmetric_algorithm_is_refused(tokens: AccessTokens, keys: SigningKeys) -> None:
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    refuses(tokens, jwt.encode(claims(), rsa, algorithm="RS256", headers=head(keys, alg=None)))


def test_a_key_of_the_attackers_own_is_refused(tokens: AccessTokens, keys: SigningKeys) -> None:
    own = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(own.public_key().public_bytes_raw())}
    refuses(tokens, jwt.encode(claims(), own, algorithm="EdDSA", headers=head(keys, alg=None)))
    refuses(tokens, jwt.encode(claims(), own, algorithm="EdDSA", headers=head(keys, alg=None, jwk=jwk)))


@pytest.mark.parametrize("member", ["jku", "x5u"])
def test_addresses_of_keys_are_not_fetched(tokens: AccessTokens, keys: SigningKeys, member: str) -> None:
    own = Ed25519PrivateKey.generate()
    header = head(keys, alg=None, **{member: "https://attacker.example/keys"})
    refuses(tokens, jwt.encode(claims(), own, algorithm="EdDSA", headers=header))


@pytest.mark.parametrize(
    "kid",
    [None, "", "unknown", "../../etc/passwd", "' or 1=1 --", "k" * 65, 7, ["k"], {"k": 1}, "\u0000", "键"],
)
def test_a_key_id_is_looked_up_and_nothing_else(tokens: AccessTokens, keys: SigningKeys, kid: Any) -> None:
    refuses(tokens, signed(keys, {**head(keys, kid=None), **({} if kid is None else {"kid": kid})}, claims()))


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "rt+jwt", "AT+JWT", "application/at+jwt", 1])
def test_another_type_of_token_is_refused(tokens: AccessTokens, keys: SigningKeys, typ: Any) -> None:
    refuses(tokens, signed(keys, head(keys, typ=typ), claims()))


def test_an_unknown_critical_header_is_refused(tokens: AccessTokens, keys: SigningKeys) -> None:
    refuses(tokens, signed(keys, head(keys, crit=["x"], x=1), claims()))


@pytest.mark.parametrize("name", REQUIRED)
def test_every_claim_is_required(tokens: AccessTokens, keys: SigningKeys, name: str) -> None:
    refuses(tokens, signed(keys, head(keys), claims(**{name: None})))


START = int(NOW.timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": []},
        {"iss": "https://attacker.example"},
        {"iss": "https://zhian.test.attacker.example"},
        {"exp": START},
        {"exp": START - 1, "iat": START - 900, "nbf": START - 900},
        {"nbf": START + 60},
        {"iat": START + 60, "exp": START + 960},
        {"exp": START + 901},
        {"exp": START + 10**9},
        {"exp": 10**30},
        {"exp": float(START + 900)},
        {"exp": str(START + 900)},
        {"exp": True},
        {"iat": "now"},
        {"ver": "1"},
        {"ver": True},
        {"ver": 1.0},
        {"sub": 7},
        {"sub": "-7"},
        {"sub": "0"},
        {"sub": "07"},
        {"sub": "7 or 1=1"},
        {"sub": "٧"},
        {"sub": "9" * 19},
        {"sid": 9},
        {"sid": ""},
        {"sid": ["9"]},
    ],
    ids=repr,
)
def test_a_claim_out_of_place_is_refused(tokens: AccessTokens, keys: SigningKeys, changes: dict[str, Any]) -> None:
    refuses(tokens, signed(keys, head(keys), claims(**changes)))


def test_duplicate_members_are_refused(tokens: AccessTokens, keys: SigningKeys) -> None:
    text = json.dumps(claims())
    refuses(tokens, signed(keys, head(keys), (text[:-1] + ', "sub": "8"}').encode()))
    header = json.dumps(head(keys))
    refuses(tokens, signed(keys, (header[:-1] + ', "alg": "EdDSA"}').encode(), claims()))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b", "a.b.c.d", "é.é.é", "e30.e30.e30", "bnVsbA.bnVsbA.AA", "W10.W10.AA", "A" * 5000],
)
def test_what_is_no_token_is_refused(tokens: AccessTokens, token: str) -> None:
    refuses(tokens, token)


def test_deep_json_is_refused(tokens: AccessTokens, keys: SigningKeys) -> None:
    refuses(tokens, signed(keys, b"[" * 600 + b"]" * 600, claims()))


def test_one_changed_bit_of_any_part_is_refused(tokens: AccessTokens, keys: SigningKeys) -> None:
    good = signed(keys, head(keys), claims()).split(".")
    for index in range(3):
        parts = list(good)
        first = "A" if parts[index][4] != "A" else "B"
        parts[index] = parts[index][:4] + first + parts[index][5:]
        refuses(tokens, ".".join(parts))


def test_a_small_difference_of_clocks_is_forgiven(tokens: AccessTokens) -> None:
    token, _ = tokens.issue(account_id=7, session_id=9, token_version=1, now=NOW + timedelta(seconds=4))
    assert tokens.verify(token, NOW).account_id == 7


def test_a_token_ends_with_its_fifteenth_minute(tokens: AccessTokens) -> None:
    token, _ = tokens.issue(account_id=7, session_id=9, token_version=1, now=NOW)
    assert tokens.verify(token, NOW + timedelta(minutes=14, seconds=59)).account_id == 7
    with pytest.raises(Unauthenticated):
        tokens.verify(token, NOW + timedelta(minutes=15))


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(minutes=15, seconds=1)])
def test_no_longer_life_can_be_configured(keys: SigningKeys, lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match="15 minutes"):
        AccessTokens(keys, issuer=ISSUER, lifetime=lifetime)
