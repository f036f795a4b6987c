"""``zhian keys``: ids and ages, rotation, and that no key is ever printed or made by mistake."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.keys import app
from integrations.identity.inventory import inventory
from integrations.identity.keyfile import read_key_file, replace_key_file
from integrations.identity.signing import SigningKeys
from integrations.identity.wrapping import WrappingKeys, add_wrapping_key


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    SigningKeys(folder)
    WrappingKeys(folder)
    return folder


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data-dir", str(folder.parent)], terminal_width=200)


def told(folder: Path, command: str) -> dict[str, object]:
    said = run(folder, command, "--json")
    assert said.exit_code == 0, said.output
    answer: dict[str, object] = json.loads(said.stdout)
    return answer


def secrets_of(folder: Path) -> list[str]:
    signing, vault = read_key_file(folder / "signing.json"), read_key_file(folder / "vault.json")
    return [*(entry["private"] for entry in signing["keys"]), *vault["keys"].values(), vault["index"]]


def test_each_key_is_told_with_what_it_does_and_its_age(keys: Path) -> None:
    before = SigningKeys(keys).current().kid
    now = datetime.now(UTC)
    after = SigningKeys(keys).rotate(now)
    add_wrapping_key(keys, now)

    assert [(k.kind, k.id, k.does) for k in inventory(keys, now)] == [
        ("signing", before, "verifies"),
        ("signing", after, "signs"),
        ("wrapping", "1", "unwraps"),
        ("wrapping", "2", "wraps"),
    ]
    assert next(k.does for k in inventory(keys, now + timedelta(minutes=15))) == "nothing"
    listed = told(keys, "list")["keys"]
    assert isinstance(listed, list)
    assert [key["age_days"] for key in listed] == [0, 0, 0, 0]


def test_a_vault_older_than_the_record_of_ages_has_none(keys: Path) -> None:
    content = read_key_file(keys / "vault.json")
    del content["created_at"]
    replace_key_file(keys / "vault.json", content)

    assert "not recorded" in run(keys, "list").stdout
    add_wrapping_key(keys, datetime(2026, 1, 1, tzinfo=UTC))
    assert [k.created_at for k in inventory(keys, datetime.now(UTC)) if k.kind == "wrapping"] == [
        None,
        datetime(2026, 1, 1, tzinfo=UTC),
    ]


def test_rotating_tells_the_new_key_which_is_then_in_use(keys: Path) -> None:
    assert told(keys, "rotate-signing")["key"] == SigningKeys(keys).current().kid


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_no_key_is_ever_printed(keys: Path, as_json: list[str]) -> None:
    said = [run(keys, command, *as_json).output for command in ("rotate-signing", "list")]

    for text in said:
        assert not [secret for secret in secrets_of(keys) if secret.rstrip("=") in text]


@pytest.mark.parametrize("command", ["list", "rotate-signing", "rotate-kek", "rotate-data", "erase --compound 1"])
def test_where_there_are_no_keys_none_are_made(tmp_path: Path, command: str) -> None:
    said = run(tmp_path / "keys", *command.split())

    assert said.exit_code == 2
    assert "NO_KEYS" in said.output
    assert not (tmp_path / "keys").exists()


def test_a_key_file_that_others_may_read_is_refused(keys: Path) -> None:
    (keys / "vault.json").chmod(0o644)

    said = run(keys, "rotate-kek")

    assert (said.exit_code, "UNSAFE_KEY_FILE" in said.output) == (2, True)


def test_rotations_at_once_lose_no_key(keys: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: add_wrapping_key(keys), range(16)))

    assert sorted(map(int, names)) == list(range(2, 18))
    assert len(read_key_file(keys / "vault.json")["keys"]) == 17


def test_a_rotated_file_stays_its_owners(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root acts for a service's account: the file in place belongs to somebody else."""
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda _, uid, gid: given.append((uid, gid)))
    real, place = Path.stat, keys / "signing.json"

    def stat(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        return os.stat_result((*found[:4], 4242, 4243, *found[6:])) if path == place else found

    monkeypatch.setattr(Path, "stat", stat)
    SigningKeys(keys).rotate(datetime.now(UTC))

    assert given == [(4242, 4243)]
