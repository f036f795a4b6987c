"""``zhian documents``: all files are good and all are registered, or each fault is told with its line and none is."""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.execution.limits import Limits
from cli.documents import app
from tests.factories.api import schema

AREAS = (
    "# all of them\r\nquery Areas { areas(first: 1) { edges { node { ...Name } } } }\nfragment Name on Area { name }\n"
)
TWO = "query Who { viewer { account { name } } }\n\n# again\nquery Areas { areas { edges { node { ...N } } } }\n"
FRAGMENTS = "fragment N on Area { ...M }\nfragment M on Area { name }\n"


@pytest.fixture(autouse=True)
def surroundings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.documents.build_schema", schema)  # once for all tests
    monkeypatch.setenv("ZHIAN_DATABASE_URL", database_url)
    monkeypatch.setenv("ZHIAN_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def told(*arguments: str | Path) -> list[dict[str, Any]]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)["documents"]
    return found


def id_of(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def test_a_file_is_a_document_byte_for_byte(files: Path) -> None:
    (files / "areas.graphql").write_bytes(AREAS.encode())
    (made,) = told("register", files, "--app", "resident")
    assert made == {"id": id_of(AREAS), "operations": "Areas", "file": str(files / "areas.graphql"), "new": True}
    assert [row["new"] for row in told("register", files / "areas.graphql")] == [False]
    (row,) = told("list")
    assert (row["id"], row["app"], row["retired_at"]) == (id_of(AREAS), "resident", None)


def test_each_of_several_operations_is_a_document_alone_with_the_fragments_it_uses(files: Path) -> None:
    (files / "two.graphql").write_text(TWO + FRAGMENTS)
    whole, who, areas = told("register", files)
    assert (whole["id"], whole["operations"]) == (id_of(TWO + FRAGMENTS), "Who, Areas")
    assert who["id"] == id_of("query Who { viewer { account { name } } }\n")
    parts = ("query Areas { areas { edges { node { ...N } } } }", *FRAGMENTS.strip().split("\n"))
    assert areas["id"] == id_of("\n\n".join(parts) + "\n")


@pytest.mark.parametrize("shape", ["relay", "apollo"])
def test_manifests_of_compilers_are_read(files: Path, shape: str) -> None:
    digest = id_of(AREAS).removeprefix("sha256:")
    apollo = {"operations": [{"id": digest, "name": "Areas", "type": "query", "body": AREAS}]}
    (files / "m.json").write_text(json.dumps({digest: AREAS} if shape == "relay" else apollo))
    assert [row["id"] for row in told("register", files)] == [id_of(AREAS)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("bad.graphql", "query Q {\n  viewer {\n    nothing\n  }\n}\n", "bad.graphql:3: Cannot query field"),
        ("bad.graphql", "query Q {\n  viewer {\n", "bad.graphql:3: Syntax Error"),
        ("bad.graphql", "fragment F on Area { name }\n", "bad.graphql:1: no operation"),
        ("bad.graphql", "query Q {" + "\n viewer { account { name } }" * 25 + "}", "bad.graphql:1: Over a limit"),
        ("bad.graphql", "{ __schema { types { name } } }", "bad.graphql:1: GraphQL introspection"),
        ("bad.json", "{\n", "bad.json:2: not JSON"),
        ("bad.json", "[]", "bad.json:1: not a manifest"),
        ("bad.json", '{"operations": [{"id": 7}]}', "bad.json:1: not a manifest"),
        ("bad.json", '{\n "a": "{ viewer { account { name } } }"}', "bad.json:2: the key is not the SHA-256"),
        ("bad.json", '{\n "' + id_of("{")[7:] + '": "{"}', "bad.json:2: Syntax Error"),
        ("bad.json", '{\n\n "' + id_of("{nothing}")[7:] + '": "{nothing}"}', "bad.json:3: Cannot query field"),
        ("missing.graphql", None, "missing.graphql:1: No such file"),
        ("bad.graphql", b"\xff", "bad.graphql:1: not UTF-8"),
    ],
)
def test_a_fault_is_told_with_its_line_and_nothing_is_registered(
    files: Path, name: str, text: str | bytes | None, said: str
) -> None:
    (files / "good.graphql").write_text(AREAS)
    if text is not None:
        (files / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run("register", files / "good.graphql", files / name)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "DOCUMENT_REFUSED" in done.stderr
    assert told("list") == []


def test_every_fault_is_told_at_once(files: Path) -> None:
    for number in (1, 2):
        (files / f"{number}.graphql").write_text("{ nothing }")
    done = run("register", files)
    assert done.stderr.count("DOCUMENT_REFUSED") == 2


def test_what_is_too_dear_for_everybody_is_refused(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "dear.graphql").write_text("query Dear {\n  areas(first: 100) { edges { node { name } } }\n}\n")
    monkeypatch.setattr("cli.documents.Limits", partial(Limits, cost=300, budgets={"resident": 200}))
    done = run("register", files)
    assert done.exit_code == 1
    assert "dear.graphql:1: costs 301 without variables, the largest budget is 300" in done.stderr


def test_retired_documents_are_listed_and_can_come_back(files: Path) -> None:
    (files / "areas.graphql").write_text(AREAS)
    told("register", files)
    assert told("retire", id_of(AREAS)) == [{"id": id_of(AREAS), "retired": True}]
    assert told("retire", id_of(AREAS).removeprefix("sha256:")) == [{"id": id_of(AREAS), "retired": False}]
    assert told("list")[0]["retired_at"] is not None
    assert told("register", files)[0]["new"]
    assert told("list")[0]["retired_at"] is None


@pytest.mark.parametrize(("digest", "code"), [("xyz", "BAD_ID"), ("0" * 64, "UNKNOWN_DOCUMENT")])
def test_an_id_that_is_none_retires_nothing(files: Path, digest: str, code: str) -> None:
    (files / "areas.graphql").write_text(AREAS)
    told("register", files)
    done = run("retire", id_of(AREAS), digest)
    assert (done.exit_code, code in done.stderr) == (2, True)
    assert told("list")[0]["retired_at"] is None


def test_an_empty_folder_is_a_mistake(files: Path) -> None:
    done = run("register", files)
    assert (done.exit_code, "NO_DOCUMENTS" in done.stderr) == (2, True)


def test_tables_are_for_people(files: Path) -> None:
    (files / "areas.graphql").write_text(AREAS)
    assert id_of(AREAS) in run("register", files).stdout
    assert "Areas" in run("list").stdout
