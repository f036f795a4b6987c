"""Key files, rotation of signing keys, and the vault."""

from __future__ import annotations

import hmac
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from domain.identity.ports import KeyErased, shown
from domain.kernel.errors import Unauthenticated
from integrations.identity.keyfile import UnsafeKeyFile, read_key_file, read_or_create
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from integrations.identity.wrapping import WrappingKeys, WrongWrappingKey, add_wrapping_key
from tests.factories.vault import MemoryVault

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class Ticks:
    """A monotonic clock set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_key_files_are_for_their_owner_only(tmp_path: Path) -> None:
    SigningKeys(tmp_path / "keys")
    WrappingKeys(tmp_path / "keys")
    assert [f.name for f in sorted((tmp_path / "keys").iterdir())] == ["signing.json", "vault.json"]
    for file in (tmp_path / "keys").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys" / "vault.json").chmod(0o640)
    with pytest.raises(UnsafeKeyFile):
        WrappingKeys(tmp_path / "keys")


def test_the_same_keys_are_found_again(tmp_path: Path) -> None:
    assert SigningKeys(tmp_path).current().kid == SigningKeys(tmp_path).current().kid
    wrapped = WrappingKeys(tmp_path).wrap(b"k" * 32, 7, 1)
    assert WrappingKeys(tmp_path).unwrap(wrapped) == b"k" * 32


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


async def test_sealed_values_open_where_they_stand_and_nowhere_else() -> None:
    vault = MemoryVault()
    await vault.ready((7, 8))
    for plain in ("", "13900000000", "示例 \x00 \U0001f511", "x" * 10_000):
        sealed = vault.seal(plain, "t|c|1", area=7)
        assert await vault.open(sealed, "t|c|1", area=7) == plain
        assert await vault.open_bytes(sealed, "t|c|1", area=7) == plain.encode()
        assert sealed != vault.seal(plain, "t|c|1", area=7)
        assert plain == "" or plain.encode() not in sealed
        for elsewhere in ("t|c|2", "t|d|1", "u|c|1", ""):
            with pytest.raises(ValueError, match="elsewhere"):
                await vault.open(sealed, elsewhere, area=7)
        with pytest.raises(ValueError, match="another area"):
            await vault.open(sealed, "t|c|1", area=8)


async def test_a_value_given_the_name_of_another_compounds_key_stays_shut() -> None:
    vault = MemoryVault()
    await vault.ready((7, 8))
    sealed = bytearray(vault.seal("13900000000", "t|c|1", area=7))
    sealed[1:5] = (8).to_bytes(4, "big")
    with pytest.raises(ValueError, match="elsewhere"):
        await vault.open(bytes(sealed), "t|c|1", area=8)


async def test_any_changed_byte_keeps_a_value_shut() -> None:
    vault = MemoryVault()
    vault.rotate(0)
    sealed = vault.seal("13900000000", "account|phone|1")
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 3  # turns version 2 into version 1 too
        with pytest.raises(ValueError, match="seal"):
            await vault.open(bytes(changed), "account|phone|1")


@pytest.mark.parametrize("sealed", [b"", b"\x02", b"\x02" + bytes(33), b"\x01\x011" + bytes(40), b"\xff" * 40])
async def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(ValueError, match="not a sealed value"):
        await MemoryVault().open(sealed, "t|c|1")


async def test_an_area_that_was_not_made_ready_does_not_seal() -> None:
    vault = MemoryVault()
    with pytest.raises(LookupError):
        vault.seal("plain", "t|c|1", area=7)


async def test_an_erased_value_is_shown_as_nothing_and_a_changed_one_is_an_error() -> None:
    vault = MemoryVault()
    await vault.ready((7,))
    sealed = vault.seal("plain", "t|c|1", area=7)
    assert await shown(vault, sealed, "t|c|1", area=7) == "plain"
    assert await shown(vault, None, "t|c|1", area=7) is None
    with pytest.raises(ValueError, match="elsewhere"):
        await shown(vault, sealed, "t|c|2", area=7)
    vault.erase(7)
    assert await shown(vault, sealed, "t|c|1", area=7) is None
    with pytest.raises(KeyErased):
        await vault.open(sealed, "t|c|1", area=7)


def test_a_data_key_unwraps_where_it_belongs_and_by_its_key_file_alone(tmp_path: Path) -> None:
    keys = WrappingKeys(tmp_path / "here")
    wrapped = keys.wrap(b"k" * 32, 7, 1)
    assert keys.unwrap(wrapped) == b"k" * 32
    for other in (replace(wrapped, area_id=8), replace(wrapped, version=2), replace(wrapped, kek="9")):
        with pytest.raises(WrongWrappingKey, match="WRONG_KEY_FILE"):
            keys.unwrap(other)
    with pytest.raises(WrongWrappingKey):
        WrappingKeys(tmp_path / "there").unwrap(wrapped)


def test_a_wrapping_key_made_elsewhere_is_found_in_the_file(tmp_path: Path) -> None:
    before = WrappingKeys(tmp_path)
    old = before.wrap(b"k" * 32, 7, 1)
    assert add_wrapping_key(tmp_path) == "2"
    after = WrappingKeys(tmp_path)
    assert before.unwrap(after.wrap(b"n" * 32, 7, 2)) == b"n" * 32
    assert before.current == "2"
    assert after.unwrap(old) == b"k" * 32
    assert after.index_key == before.index_key


def test_a_blind_index_is_stable_per_column_and_value_and_depends_on_the_key() -> None:
    vault = MemoryVault()
    assert vault.index("a", "v") == vault.index("a", "v")
    others = [vault.index("b", "v"), vault.index("a", "w"), MemoryVault(b"1" * 32).index("a", "v")]
    assert len({vault.index("a", "v"), *others}) == 4
    assert len(vault.index("a", "v")) == 16
    column = hmac.digest(bytes(32), b"a", "sha256")
    assert vault.index("a", "v") == hmac.digest(column, b"v", "sha256")[:16]


def test_a_keyed_digest_is_stable_per_column_and_content_and_depends_on_the_key() -> None:
    vault = MemoryVault()
    assert vault.digest("a", b"v") == vault.digest("a", b"v")
    others = [vault.digest("b", b"v"), vault.digest("a", b"w"), MemoryVault(b"1" * 32).digest("a", b"v")]
    assert len({vault.digest("a", b"v"), *others, vault.index("a", "v")}) == 5
    assert len(vault.digest("a", b"v")) == 16
