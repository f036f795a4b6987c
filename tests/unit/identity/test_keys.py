"""Key files, rotation of signing keys, and the vault."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import Unauthenticated
from integrations.identity.keyfile import UnsafeKeyFile, read_key_file, read_or_create
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from integrations.identity.vault import KeyFileVault, rotate_vault_key

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class Ticks:
    """A monotonic clock set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_key_files_are_for_their_owner_only(tmp_path: Path) -> None:
    SigningKeys(tmp_path / "keys")
    KeyFileVault.open_file(tmp_path / "keys")
    assert [f.name for f in sorted((tmp_path / "keys").iterdir())] == ["signing.json", "vault.json"]
    for file in (tmp_path / "keys").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys" / "vault.json").chmod(0o640)
    with pytest.raises(UnsafeKeyFile):
        KeyFileVault.open_file(tmp_path / "keys")


def test_the_same_keys_are_found_again(tmp_path: Path) -> None:
    assert SigningKeys(tmp_path).current().kid == SigningKeys(tmp_path).current().kid
    sealed = KeyFileVault.open_file(tmp_path).seal("plain", "t|c|1")
    assert KeyFileVault.open_file(tmp_path).open(sealed, "t|c|1") == "plain"


def test_processes_starting_together_agree_on_one_file(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    found = []

    def start(number: int) -> None:
        def make() -> dict[str, int]:
            barrier.wait()  # all have seen that there is no file before any writes one
            return {"n": number}

        found.append(read_or_create(tmp_path / "k.json", make)["n"])

    threads = [threading.Thread(target=start, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert read_key_file(tmp_path / "k.json") == {"n": found[0]}
    assert [f.name for f in tmp_path.iterdir()] == ["k.json"]


def test_after_a_rotation_old_tokens_live_out_and_new_ones_are_signed_by_the_new_key(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    tokens = AccessTokens(keys, issuer="i")
    old, _ = tokens.issue(account_id=1, session_id=1, token_version=1, now=NOW)
    first = keys.current().kid
    assert keys.rotate(NOW) != first
    new, _ = tokens.issue(account_id=2, session_id=1, token_version=1, now=NOW)
    assert jwt.get_unverified_header(new)["kid"] == keys.current().kid != first
    assert tokens.verify(old, NOW + timedelta(minutes=14)).account_id == 1
    assert tokens.verify(new, NOW + timedelta(minutes=14)).account_id == 2
    assert {k["kid"] for k in keys.jwks(NOW)["keys"]} == {first, keys.current().kid}
    later = NOW + timedelta(minutes=15)
    assert keys.verifier(first, later) is None
    assert {k["kid"] for k in keys.jwks(later)["keys"]} == {keys.current().kid}


def test_a_key_whose_tokens_have_expired_is_dropped_at_the_next_rotation(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    for hours in range(4):
        keys.rotate(NOW + timedelta(hours=hours))
    assert len(read_key_file(tmp_path / "signing.json")["keys"]) == 2


def test_a_stolen_old_key_signs_nothing_that_outlives_it(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    tokens = AccessTokens(keys, issuer="i")
    keys.rotate(NOW)
    stolen = SigningKeys(tmp_path)
    stolen._current = next(kid for kid, key in stolen._keys.items() if key.retired_at is not None)
    forged, _ = AccessTokens(stolen, issuer="i").issue(
        account_id=1, session_id=1, token_version=1, now=NOW + timedelta(minutes=15)
    )
    with pytest.raises(Unauthenticated):
        tokens.verify(forged, NOW + timedelta(minutes=15))


def test_another_process_takes_up_a_rotation_at_the_first_token_of_it(tmp_path: Path) -> None:
    ticks = Ticks()
    here, there = SigningKeys(tmp_path), SigningKeys(tmp_path, tick=ticks)
    kid = here.rotate(NOW)
    assert there.verifier(kid, NOW) is None  # read less than a second ago
    ticks.now = 1.0
    assert there.verifier(kid, NOW) is not None


def test_another_process_signs_with_the_new_key_within_a_minute(tmp_path: Path) -> None:
    ticks = Ticks()
    here, there = SigningKeys(tmp_path), SigningKeys(tmp_path, tick=ticks)
    kid = here.rotate(NOW)
    assert there.current().kid != kid
    ticks.now = 61.0
    assert there.current().kid == kid


def test_the_public_key_set_verifies_a_token_and_holds_nothing_private(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    token, _ = AccessTokens(keys, issuer="i").issue(account_id=5, session_id=1, token_version=1, now=datetime.now(UTC))
    (public,) = keys.jwks(NOW)["keys"]
    assert set(public) == {"kty", "crv", "use", "alg", "kid", "x"}
    assert jwt.decode(token, jwt.PyJWK(public), algorithms=["EdDSA"], audience="zhian")["sub"] == "5"


@given(st.text(), st.text())
def test_sealed_values_open_where_they_stand(plain: str, place: str) -> None:
    vault = KeyFileVault("1", {"1": bytes(32)}, bytes(32))
    sealed = vault.seal(plain, place)
    assert vault.open(sealed, place) == plain
    assert sealed != vault.seal(plain, place)
    with pytest.raises(ValueError, match="elsewhere"):
        vault.open(sealed, place + "x")


def test_any_changed_byte_keeps_a_value_shut() -> None:
    vault = KeyFileVault("1", {"1": bytes(32), "2": b"2" * 32}, bytes(32))
    sealed = vault.seal("13900000000", "account|phone|1")
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 3  # turns key "1" into key "2" too
        with pytest.raises(ValueError, match="sealed value"):
            vault.open(bytes(changed), "account|phone|1")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x01", b"\x01\x011", b"\x02\x011" + bytes(40), b"\x01\xff"])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(ValueError, match="not a sealed value"):
        KeyFileVault("1", {"1": bytes(32)}, bytes(32)).open(sealed, "t|c|1")


def test_values_sealed_before_a_rotation_still_open(tmp_path: Path) -> None:
    before = KeyFileVault.open_file(tmp_path)
    sealed = before.seal("plain", "t|c|1")
    assert rotate_vault_key(tmp_path) == "2"
    after = KeyFileVault.open_file(tmp_path)
    assert after.open(sealed, "t|c|1") == "plain"
    with pytest.raises(ValueError, match="not a sealed value"):
        before.open(after.seal("plain", "t|c|1"), "t|c|1")
    assert after.index("c", "v") == before.index("c", "v")


def test_a_blind_index_is_stable_per_column_and_value_and_depends_on_the_key() -> None:
    vault = KeyFileVault("1", {}, bytes(32))
    assert vault.index("a", "v") == vault.index("a", "v")
    others = [vault.index("b", "v"), vault.index("a", "w"), KeyFileVault("1", {}, b"1" * 32).index("a", "v")]
    assert len({vault.index("a", "v"), *others}) == 4
    assert len(vault.index("a", "v")) == 16
