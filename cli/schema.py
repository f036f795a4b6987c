"""``zhian schema``: the GraphQL schema as text. The repository keeps it in ``schema.graphql``, so that changes show."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.schema import build_schema
from cli.running import complain

FILE = Path("schema.graphql")
DRIFTED = 1


def sdl() -> str:
    """The schema in the schema definition language, with a line end."""
    return f"{build_schema().as_str().rstrip()}\n"


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Fail, with the difference, when the file is not this.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The file to write, or to check; schema.graphql to check.")] = None,
) -> None:
    """Print the GraphQL schema, or check that schema.graphql is up to date."""
    text = sdl()
    if check:
        raise typer.Exit(compare(text, out or FILE))
    if out is not None:
        out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def compare(text: str, file: Path) -> int:
    """0 when ``file`` holds ``text``; otherwise 1, and the difference on standard output."""
    known = file.read_text(encoding="utf-8") if file.exists() else ""
    if known == text:
        return 0
    lines = difflib.unified_diff(
        known.splitlines(keepends=True), text.splitlines(keepends=True), str(file), "the code's schema"
    )
    sys.stdout.writelines(lines)
    complain("SCHEMA_DRIFT", f"{file} is not the schema of this code; run `zhian schema --out {file}` and commit it")
    return DRIFTED
