"""``zhian graphiql``: what was published is unpacked, anything else is refused with a code. npm is a stand-in."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import build
from integrations import graphiql
from integrations.graphiql import EDITION, NotFetched, Package

NPM = """#!/bin/sh
for word in "$@"; do case $word in --registry=*) echo "$word" >>"$(dirname "$0")/asked";; esac; done
for word in "$@"; do case $word in *@*) cp "$(dirname "$0")/$(echo "$word" | tr @ -).tgz" .;; esac; done
"""
BODY = b"window.a = 1"


def tarball(path: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo(path)
        member.size = len(BODY)
        archive.addfile(member, io.BytesIO(BODY))
    return packed.getvalue()


def published(name: str, body: bytes) -> Package:
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(body).digest()).decode()
    return Package(name, "1.0.0", integrity, {"package/a.js": f"{name}.js"})


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an npm that has packages "a" and "b"."""
    folder = tmp_path / "bin"
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(NPM)
    npm.chmod(0o755)
    body = tarball("package/a.js")
    for name in ("a", "b"):
        (folder / f"{name}-1.0.0.tgz").write_bytes(body)
    monkeypatch.setattr(graphiql, "PACKAGES", (published("a", body), published("b", body)))
    monkeypatch.setattr(graphiql.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    def command(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(build(["graphiql"]), ["graphiql", "--folder", str(tmp_path / "kept"), *arguments])
        return done.exit_code, done.output

    return command


def test_the_packages_are_unpacked_once(stand_in: Path, tmp_path: Path, run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("--registry", "https://mirror.example")
    assert (code, "GraphiQL is in" in said) == (0, True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "kept" / EDITION).iterdir()} == {
        "a.js": BODY,
        "b.js": BODY,
    }
    assert run() == (0, "")
    assert (stand_in / "asked").read_text() == "--registry=https://mirror.example\n"
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {EDITION, ".lock"}


def test_another_package_than_was_published_is_refused(
    stand_in: Path, tmp_path: Path, run: Callable[..., tuple[int, str]]
) -> None:
    (stand_in / "b-1.0.0.tgz").write_bytes(tarball("package/b.js"))
    code, said = run()
    assert (code, "WRONG_PACKAGE" in said, "b-1.0.0.tgz" in said) == (2, True, True)
    assert not graphiql.is_fetched(tmp_path / "kept")


def test_why_npm_failed_is_told(stand_in: Path, run: Callable[..., tuple[int, str]]) -> None:
    (stand_in / "npm").write_text("#!/bin/sh\necho 'npm error request to https://mirror.example failed' >&2\nexit 1\n")
    code, said = run()
    assert code == 2
    for words in ("NPM_FAILED", "request to https://mirror.example failed", "ZHIAN_NPM_REGISTRY"):
        assert words in said


def test_no_npm_and_no_folder_are_told(stand_in: Path, tmp_path: Path) -> None:
    (stand_in / "npm").unlink()
    path = {"PATH": str(stand_in)}
    with pytest.raises(NotFetched, match="NO_NPM: "):
        graphiql.fetch(tmp_path / "kept", environ=path)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotFetched, match="FOLDER_UNUSABLE: "):
        graphiql.fetch(tmp_path / "file" / "below", environ=path)
