"""Operations made at random from the schema, by everybody: never a 5xx, and never an error nobody thought of.

``INTERNAL`` is what an unforeseen exception looks like from outside, so it counts as a find like a 500.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis_graphql
import pytest
import schemathesis
from graphql import (
    NamedTypeNode,
    NameNode,
    Visitor,
    get_named_type,
    is_scalar_type,
    is_specified_scalar_type,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from api.nodes import global_id
from api.permissions import ROOTS as RULES
from tests.api.matrix.targets import Unfilled, named_type
from tests.attacks.crowd import Crowd, gather
from tests.attacks.target import Target
from tests.factories.api import schema
from tests.factories.database import Databases
from tests.factories.ingest import plain_logs, settings_for

ROLES = {
    "nobody": "anonymous",
    "county": "county_operator",
    "manager": "property_manager",
    "police": "community_police",
    "resident": "resident",
}
RUNS = settings(
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
SDL = Path("schema.graphql")
CORE = schema()._schema
ROOTS = [(kind.name, name) for kind in (CORE.query_type, CORE.mutation_type) if kind for name in kind.fields]
DATES = st.sampled_from(["2026-03-01", "0001-01-01", "9999-12-31", "2026-02-30", "2026-3-1", "x", ""])
INSTANTS = st.sampled_from(
    [
        "2026-03-01T08:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-01",
        "2026-03-01T08:00:00",
        "2026-02-30T00:00:00Z",
        "",
    ]
)
CURSORS = st.sampled_from(
    [
        "",
        "W10",
        "WzEsMl0",
        "WyIyMDI2LTAzLTAxVDA4OjAwOjAwKzAwOjAwIiwxXQ",
        "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwxXQ",
        "WzkyMjMzNzIwMzY4NTQ3NzU4MDcsOTIyMzM3MjAzNjg1NDc3NTgwN10",
        "游标",
    ]
)
WORDS = st.sampled_from(
    ["+8613900000001", "13900000001", "京A12345", "E2801160", "123456", "a" * 5_000, "\x00", "\u202e", "%"]
)
TEXTS = st.text(max_size=40) | CURSORS | WORDS
NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 20, 100, 101, 2**31 - 1, 2**31, 10**30])


class Answers(Counter[str]):
    """What a run came to, by error code and "data"; a find fails at once."""

    def take(self, status: int, body: bytes, asked: object) -> None:
        assert status < 500, (status, asked, body)
        answer = json.loads(body)
        codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
        assert "INTERNAL" not in codes, (asked, answer)
        self.update(codes or ["data"])


NOTHING = (global_id("Area", 2**31 - 1), global_id("Nothing", 1))
MEANT: dict[str, st.SearchStrategy[Any]] = {
    "after": CURSORS,
    "phone": st.sampled_from(["+8613900000001", "13900000002", "+8613900000003"]),
    "code": st.sampled_from(["123456", "000000"]),
    "note": WORDS,
    "name": st.sampled_from(["门岗", "gate", "x" * 40]),
    "tag": st.sampled_from(["E2801160", "AB12CD34"]),
    "plate": st.sampled_from(["浙FD12345", "A123"]),
}
"""Texts that mean something where they stand, by the name of the argument; mostly given, but not always."""


def root_of(type_name: str, field: str) -> str:
    """The root field in which a field's arguments, or an input's members, are given."""
    if type_name in ("Query", "Mutation"):
        return f"{type_name}.{field}"
    for kind, name in ROOTS:
        for argument in CORE.type_map[kind].fields[name].args.values():  # type: ignore[union-attr]
            if get_named_type(argument.type).name == type_name:
                return f"{kind}.{name}"
    return f"{type_name}.{field}"


def scalar_of(type_name: str, field: str, argument: str, kind: str) -> str:
    """The scalar of our own that stands for an argument: by what it names, where that is known."""
    if argument == "compound":
        return "SomeCompound"
    if kind == "ID":
        try:
            return f"Some{named_type(root_of(type_name, field), argument)}"
        except Unfilled:
            return "SomeID"
    if kind == "Int" and argument == "first":
        return "SomeFirst"
    return f"Some_{argument}" if kind == "String" and argument in MEANT else f"Some{kind}"


class Opened(Visitor):
    """Puts scalars of our own where arguments and members of inputs are, so that what fits can be put there."""

    def __init__(self) -> None:
        super().__init__()
        self.made: set[str] = set()

    def leave_input_value_definition(self, node: Any, _key: Any, _parent: Any, _path: Any, ancestors: Any) -> Any:
        names = [each.name.value for each in ancestors if isinstance(getattr(each, "name", None), NameNode)]
        kind = named(node.type).name.value
        if kind not in ("ID", "String", "Int"):
            return replace(node, default_value=None)
        scalar = scalar_of(names[0], names[-1], node.name.value, kind)
        self.made.add(scalar)
        return replace(node, type=retyped(node.type, scalar), default_value=None)


def named(kind: Any) -> NamedTypeNode:
    """The type inside lists and exclamation marks."""
    return kind if isinstance(kind, NamedTypeNode) else named(kind.type)


def retyped(kind: Any, name: str) -> Any:
    """The same type of another name inside."""
    if isinstance(kind, NamedTypeNode):
        return replace(kind, name=NameNode(value=name))
    return replace(kind, type=retyped(kind.type, name))


def opened() -> tuple[str, set[str]]:
    """The schema with scalars of our own, and their names."""
    opening = Opened()
    document = visit(parse(SDL.read_text("utf-8")), opening)
    return print_ast(document) + "".join(f"\nscalar {name}" for name in sorted(opening.made)), opening.made


@pytest.fixture(scope="module")
def developer(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The application in the developer profile, with introspection, and nearly without a limit on rates."""
    with databases.new() as url, plain_logs():
        settings = settings_for(url, tmp_path_factory.mktemp("developer"), ZHIAN_PORT="0", ZHIAN_RATE_FACTOR="1000000")
        with Target(settings) as made:
            yield made


@pytest.fixture(scope="module")
def crowd(developer: Target) -> Crowd:
    return gather(developer)


def own_scalars() -> dict[str, Any]:
    """What is given for the schema's own scalars."""
    own = {name for name, kind in CORE.type_map.items() if is_scalar_type(kind) and not is_specified_scalar_type(kind)}
    now = datetime.now(UTC)
    known = {
        "DateTime": mostly(st.sampled_from([(now - timedelta(hours=n)).isoformat() for n in (0, 1, 24)]), INSTANTS),
        "Date": mostly(st.sampled_from([(now + timedelta(days=n)).date().isoformat() for n in (0, 1, 30)]), DATES),
    }
    return {name: known.get(name, TEXTS).map(nodes.String) for name in own}


def scalars(crowd: Crowd, names: set[str]) -> dict[str, Any]:
    """What may stand for each of the scalars ``names``: mostly what is meant there, and anything now and then."""
    everything = sorted({id_ for ids in crowd.ids.values() for id_ in ids} | set(NOTHING))
    anything = st.sampled_from(everything) | TEXTS
    found = own_scalars()
    for name in names:
        kind = name.removeprefix("Some")
        if kind == "_after":
            found[name] = mostly(st.just(nodes.Null), CURSORS.map(nodes.String))
        elif (meant := MEANT.get(kind.removeprefix("_"))) is not None:
            found[name] = mostly(meant, TEXTS).map(nodes.String)
        elif kind in ("First", "Int"):
            found[name] = mostly(st.integers(1, 3), NUMBERS).map(nodes.Int)
        elif kind == "String":
            found[name] = TEXTS.map(nodes.String)
        else:
            fitting = st.sampled_from(crowd.ids[kind]) if crowd.ids.get(kind) else anything
            found[name] = mostly(fitting, anything).map(nodes.String)
    return found


def mostly(meant: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """``meant`` seven times of eight."""
    return st.one_of(*[meant] * 7, other)


def test_every_field_with_made_arguments_by_everybody(developer: Target, crowd: Crowd) -> None:
    answers, behind, asked, reached = Answers(), Answers(), Counter[str](), set[str]()
    sdl, names = opened()
    given_scalars = scalars(crowd, names)

    def run(kind: str, field: str) -> None:
        tokens, rule = crowd.tokens(), RULES[f"{kind}.{field}"]
        documents: Any = hypothesis_graphql.from_schema(
            sdl, fields=[field], custom_scalars=given_scalars, allow_null=False, allow_x00=False
        )

        @seed(1)
        @settings(RUNS, max_examples=4)
        @given(document=documents)
        def every(document: str) -> None:
            nonlocal reached
            for who, token in tokens.items():
                told = Answers()
                told.take(*developer.ask(document, token=token), document)
                asked[field] += 1
                answers.update(told)
                if ROLES[who] in rule.roles:
                    behind.update(told)
                    reached |= {field} if told["data"] else set()

        every()

    for kind, field in ROOTS:
        run(kind, field)
    assert set(asked) == {field for _, field in ROOTS}
    assert asked.total() > 900
    # What is made must mean something: else nothing was reached behind the gates.
    assert len(reached) > 30, sorted({field for _, field in ROOTS} - reached)
    assert behind["data"] > 60, behind
    assert behind["NOT_FOUND"] < 0.65 * behind.total(), behind


@pytest.mark.parametrize("who", ["county", "resident"])
def test_schemathesis_finds_no_server_error(developer: Target, crowd: Crowd, who: str) -> None:
    headers = {"Authorization": f"Bearer {crowd.tokens()[who]}"}
    for name, values in own_scalars().items():
        schemathesis.graphql.scalar(name, values)
    tested = schemathesis.graphql.from_url(f"{developer.url}/graphql", headers=headers)
    answers = Answers()

    def run(operation: Any) -> None:
        headers = {"Authorization": f"Bearer {crowd.tokens()[who]}"}

        @seed(1)
        @settings(RUNS, max_examples=3)
        @given(case=operation.as_strategy())
        def every(case: Any) -> None:
            response = case.call(headers=headers)
            answers.take(response.status_code, response.content, case.body)

        every()

    for found in tested.get_all_operations():
        run(found.ok())
    assert answers.total() > 40
