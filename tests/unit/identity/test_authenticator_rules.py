"""Time-based one-time passwords against the vectors of RFC 6238, and recovery codes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.authenticators.rules import (
    RECOVERY_BYTES,
    SECRET_BYTES,
    code_at,
    enrolment_uri,
    is_recovery_code,
    label_of,
    matching_step,
    new_recovery_codes,
    new_secret,
    normalise_code,
    shown_secret,
    step_at,
)

RFC_SECRET = b"12345678901234567890"
NOW = datetime(2026, 11, 22, 8, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238(seconds: int, eight_digits: str) -> None:
    """Appendix B, SHA-1; ours are the last six of its eight digits."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert code_at(RFC_SECRET, step_at(at)) == eight_digits[-6:]


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phones_clock_may_be_one_step_off(steps: int, *, good: bool) -> None:
    here = step_at(NOW)
    assert matching_step(RFC_SECRET, code_at(RFC_SECRET, here + steps), NOW) == (here + steps if good else None)


@pytest.mark.parametrize("code", ["", "1", "1234567", "12345x", "１２３４５６", "\0" * 6, "é"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(RFC_SECRET, code, NOW) is None


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**32))
def test_the_present_code_is_always_right(secret: bytes, seconds: int) -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    found = matching_step(secret, code_at(secret, step_at(now)), now)
    assert found is not None
    assert found >= step_at(now)


@pytest.mark.parametrize("typed", ["123456", " 123 456 ", "123-456", "123\u00a0456"])
def test_codes_are_read_as_people_type_them(typed: str) -> None:
    assert normalise_code(typed) == "123456"


def test_recovery_codes_have_120_bits_and_are_typed_in_any_case() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    for code in codes:
        plain = normalise_code(code.lower())
        assert is_recovery_code(plain)
        assert len(base64.b32decode(plain)) == RECOVERY_BYTES >= 112 / 8
        assert [len(group) for group in code.split("-")] == [4] * 6
    assert not is_recovery_code("123456")


def test_the_address_is_what_apps_read() -> None:
    secret = new_secret()
    assert len(secret) == SECRET_BYTES == 160 / 8
    parts = urlsplit(enrolment_uri(secret, label_of("+8613900000001")))
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("otpauth", "totp", "/Zhian:+86139****0001")
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert said == {
        "secret": shown_secret(secret),
        "issuer": "Zhian",
        "algorithm": "SHA1",
        "digits": "6",
        "period": "30",
    }
    assert base64.b32decode(shown_secret(secret)) == secret
