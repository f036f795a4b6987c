"""Operations made at random from the schema, by everybody: never a 5xx, and never an error nobody thought of.

``INTERNAL`` is what an unforeseen exception looks like from outside, so it counts as a find like a 500.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis_graphql
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from tests.attacks.crowd import Crowd, gather
from tests.attacks.target import Target
from tests.factories.api import schema
from tests.factories.database import Databases
from tests.factories.ingest import plain_logs, settings_for

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


def open_scalars(sdl: str) -> str:
    """The schema with scalars of our own where arguments are, so that ids that exist can be put there."""
    for name in ("ID", "String", "Int"):
        sdl = re.sub(rf"(:\s*\[?){name}\b", rf"\1Some{name}", sdl)
    defaults = re.sub(r" = [^,)\n]+", "", sdl)
    return defaults + "\nscalar SomeID\nscalar SomeString\nscalar SomeInt\n"


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


def made(crowd: Crowd, field: str) -> Any:
    """Documents with the one root ``field``."""
    ids = st.sampled_from(crowd.ids) | TEXTS
    scalars = {
        "SomeID": ids.map(nodes.String),
        "SomeString": TEXTS.map(nodes.String),
        "SomeInt": NUMBERS.map(nodes.Int),
        "Date": DATES.map(nodes.String),
        "DateTime": INSTANTS.map(nodes.String),
    }
    return hypothesis_graphql.from_schema(open_scalars(SDL.read_text("utf-8")), fields=[field], custom_scalars=scalars)


def test_every_field_with_made_arguments_by_everybody(developer: Target, crowd: Crowd) -> None:
    answers, asked = Answers(), Counter[str]()

    def run(field: str) -> None:
        tokens = crowd.tokens()

        @seed(1)
        @settings(RUNS, max_examples=6)
        @given(document=made(crowd, field))
        def every(document: str) -> None:
            for token in tokens.values():
                answers.take(*developer.ask(document, token=token), document)
                asked[field] += 1

        every()

    for _, field in ROOTS:
        run(field)
    assert set(asked) == {field for _, field in ROOTS}
    assert asked.total() > 900
    assert answers["data"] > 15, answers  # else nothing was reached behind the gates


@pytest.mark.parametrize("who", ["county", "resident"])
def test_schemathesis_finds_no_server_error(developer: Target, crowd: Crowd, who: str) -> None:
    headers = {"Authorization": f"Bearer {crowd.tokens()[who]}"}
    schemathesis.graphql.scalar("Date", DATES.map(nodes.String))
    schemathesis.graphql.scalar("DateTime", INSTANTS.map(nodes.String))
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
