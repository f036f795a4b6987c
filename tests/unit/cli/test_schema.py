"""``zhian schema``: the text of the schema, and its drift."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from graphql import build_schema

from cli import schema


def test_the_schema_is_text_that_builds() -> None:
    built = build_schema(schema.sdl())

    assert built.query_type is not None
    assert {"viewer", "node"} <= built.query_type.fields.keys()


def test_out_writes_what_check_accepts(tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    schema.command(out=file)

    with pytest.raises(typer.Exit) as caught:
        schema.command(check=True, out=file)

    assert caught.value.exit_code == 0


@pytest.mark.parametrize("known", [None, "type Query {\n  other: Int\n}\n"])
def test_drift_fails_and_shows_the_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], known: str | None
) -> None:
    file = tmp_path / "schema.graphql"
    if known is not None:
        file.write_text(known)

    assert schema.compare("type Query {\n  one: Int\n}\n", file) == 1

    said = capsys.readouterr()
    assert "+  one: Int" in said.out
    assert ("-  other: Int" in said.out) is (known is not None)
    assert "SCHEMA_DRIFT" in said.err
