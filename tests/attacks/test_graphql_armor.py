"""The seven limits of graphql-armor 3, at its documented defaults or at ours where they are stricter.

https://escape.tech/graphql-armor: depth 6, aliases 15, directives 50, tokens 1000, characters 15000, cost 5000 and no
suggestions. Ours differ twice, and say why: depth 12, as connections need three levels each, and 20,000 characters, as
the tokens bound the work. Each limit is met from both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.execution.limits import Limits
from domain.kernel.actor import Role
from tests.attacks.target import Target

LIMITS = Limits()


@pytest.fixture(scope="module")
def http(target: Target) -> Iterator[httpx.Client]:
    """A county operator's client."""
    operator = target.run(target.world.with_role(Role.COUNTY_OPERATOR, "a"))
    headers = {"authorization": f"Bearer {target.token(operator)}"}
    with httpx.Client(base_url=target.url, headers=headers) as client:
        yield client


def ask(http: httpx.Client, query: str, **variables: Any) -> Any:
    return http.post("/graphql", json={"query": query, "variables": variables}).json()


def passes(answer: Any) -> bool:
    return "errors" not in answer


def refused(answer: Any, code: str, word: str = "") -> bool:
    (error,) = answer["errors"]
    return "data" not in answer and error["extensions"]["code"] == code and word in error["message"]


def deep(levels: int) -> str:
    """``levels`` fields below each other, the last three a page of areas."""
    return "{areas{edges{node" + "{parent" * (levels - 4) + "{id" + "}" * (levels)


def test_depth(http: httpx.Client) -> None:
    assert passes(ask(http, deep(LIMITS.depth)))
    assert refused(ask(http, deep(LIMITS.depth + 1)), "LIMIT_EXCEEDED", "depth")


def test_depth_through_fragments(http: httpx.Client) -> None:
    chain = "".join(f"fragment F{n} on Area{{parent{{...F{n + 1}}}}}" for n in range(11))
    query = "{areas{edges{node{...F0}}}}" + chain + "fragment F11 on Area{id}"
    assert refused(ask(http, query), "LIMIT_EXCEEDED", "depth")


def test_aliases(http: httpx.Client) -> None:
    def aliased(count: int) -> str:
        return "{" + " ".join(f"a{n}:__typename" for n in range(count)) + "}"

    assert passes(ask(http, aliased(15)))
    assert refused(ask(http, aliased(16)), "LIMIT_EXCEEDED", "aliases")


def test_aliases_through_fragments(http: httpx.Client) -> None:
    query = "{viewer{...F ...G}}fragment F on Viewer{a:__typename b:__typename}fragment G on Viewer{...F ...H}"
    four = "fragment H on Viewer{" + " ".join(f"c{n}:__typename" for n in range(13)) + "}"
    assert refused(ask(http, query + four), "LIMIT_EXCEEDED", "aliases")


def test_directives(http: httpx.Client) -> None:
    def directed(count: int) -> str:
        return "{" + "__typename @include(if:true) " * count + "}"

    assert passes(ask(http, directed(20)))
    assert refused(ask(http, directed(21)), "LIMIT_EXCEEDED")
    assert refused(ask(http, "{" + "viewer @skip(if:true){account @skip(if:true){id}} " * 11 + "}"), "LIMIT_EXCEEDED")


def test_tokens(http: httpx.Client) -> None:
    def tokens(count: int) -> str:
        """A document of that many tokens and few fields."""
        return "query($" + " $".join(f"v{n}:Int" for n in range((count - 8) // 4)) + "){__typename}"

    assert "tokens" not in str(ask(http, tokens(1_000)))
    assert refused(ask(http, tokens(1_012)), "GRAPHQL_PARSE_FAILED", "1000 tokens")


def test_characters(http: httpx.Client) -> None:
    blank = "{__typename}"
    most = LIMITS.document_characters
    assert passes(ask(http, blank + " " * (most - len(blank))))
    assert refused(ask(http, blank + " " * (most - len(blank) + 1)), "LIMIT_EXCEEDED", "characters")


def test_cost(http: httpx.Client) -> None:
    within = "{areas(first:100){edges{node{id children(first:10){edges{node{id}}}}}}}"
    beyond = "{areas(first:100){edges{node{id children(first:100){edges{node{id}}}}}}}"
    assert passes(ask(http, within))
    assert refused(ask(http, beyond), "TOO_COSTLY")


def test_cost_counts_what_stands_in_variables(http: httpx.Client) -> None:
    query = "query($n:Int){areas(first:$n){edges{node{id children(first:$n){edges{node{id}}}}}}}"
    assert passes(ask(http, query, n=30))
    assert refused(ask(http, query, n=100), "TOO_COSTLY")
    assert refused(ask(http, query.replace("$n:Int", "$n:Int=100")), "TOO_COSTLY")


def test_no_suggestions(http: httpx.Client) -> None:
    answers = (
        ask(http, "{area}"),
        ask(http, "{viewer{accoun{id}}}"),
        ask(http, '{alerts(stat:"x"){edges{cursor}}}'),
        ask(http, "{...on Are{id}}"),
        ask(http, "query($k:AlertKin){__typename}"),
        ask(http, "query($s:AlertState){alerts(state:$s){edges{cursor}}}", s="ACTIV"),
    )
    for answer in answers:
        assert "data" not in answer
        assert "Did you mean" not in str(answer)
