"""The committed schema is the schema of the code, so that a change of it is seen in review."""

from __future__ import annotations

from cli.schema import sdl
from tests.architecture.source import ROOT


def test_the_schema_file_is_the_schema_of_the_code() -> None:
    committed = (ROOT / "schema.graphql").read_text(encoding="utf-8")
    assert committed == sdl(), "run `zhian schema --out schema.graphql` and commit it"


def test_every_root_field_tells_clients_what_it_is() -> None:
    from api.schema import build_schema

    core = build_schema()._schema
    bare = [
        f"{kind.name}.{name}"
        for kind in (core.query_type, core.mutation_type, core.subscription_type)
        if kind is not None
        for name, field in kind.fields.items()
        if not field.description
    ]
    assert bare == []
