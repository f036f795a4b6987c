"""The checks of graphql-cop against the production profile, each with the answer by which that tool reports a find.

https://github.com/dolevf/graphql-cop; the tool is not packaged, so its requests and its verdicts are written down here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.attacks.target import Target

CIRCLE = "query cop{__schema{types{fields{type{fields{type{fields{type{fields{type{name}}}}}}}}}}}"
EVERYTHING = "query cop{__schema{types{name fields{name}}}}"


@pytest.fixture
def http(target: Target) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=target.url) as client:
        yield client


def ask(http: httpx.Client, query: str) -> Any:
    return http.post("/graphql", json={"query": query, "operationName": None}).json()


def refusals(answer: Any) -> list[str]:
    """The codes of an answer that holds errors and nothing else."""
    assert list(answer) == ["errors"]
    return [error["extensions"]["code"] for error in answer["errors"]]


def test_alias_overloading(http: httpx.Client) -> None:
    answer = ask(http, "query cop{" + " ".join(f"alias{n}:__typename" for n in range(101)) + "}")
    assert refusals(answer) == ["LIMIT_EXCEEDED"]


def test_batch_queries(http: httpx.Client) -> None:
    response = http.post("/graphql", json=[{"query": "query cop{__typename}"}] * 10)
    assert response.status_code == 400
    assert refusals(response.json()) == ["BAD_REQUEST"]


def test_directive_overloading(http: httpx.Client) -> None:
    """A find is ten errors for ten unknown directives."""
    answer = ask(http, "query cop{__typename " + "@aa" * 10 + "}")
    assert len(refusals(answer)) <= 5


def test_circular_introspection(http: httpx.Client) -> None:
    assert set(refusals(ask(http, CIRCLE))) <= {"LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED"}


def test_field_duplication(http: httpx.Client) -> None:
    assert refusals(ask(http, "query cop{" + "__typename \n" * 500 + "}")) == ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize("query", ["query cop{__schema{directive}}", "{aler}", "{node(ix:1){id}}", "{device}"])
def test_field_suggestions(http: httpx.Client, query: str) -> None:
    response = http.post("/graphql", json={"query": query})
    assert "errors" in response.json()
    assert "Did you mean" not in response.text


@pytest.mark.parametrize("path", ["/", "/graphql", "/graphiql", "/v1/graphiql", "/playground", "/console", "/altair"])
def test_an_ide_in_production(http: httpx.Client, path: str) -> None:
    response = http.get(path, headers={"accept": "text/html"})
    assert response.status_code in (404, 405)
    for word in ("graphiql.min.css", "GraphQL Playground", "GraphiQL", "graphql-playground", "altair"):
        assert word not in response.text


def test_queries_by_get(http: httpx.Client) -> None:
    response = http.get("/graphql", params={"query": "query cop{__typename}"})
    assert response.status_code == 405
    assert "data" not in response.json()


def test_mutations_by_get(http: httpx.Client) -> None:
    response = http.get("/graphql", params={"query": "mutation cop{__typename}"})
    assert response.status_code == 405
    assert "data" not in response.json()


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=b"])
def test_requests_a_form_of_another_page_can_send(http: httpx.Client, kind: str) -> None:
    for body in (b"query=query%20cop%7B__typename%7D", b'{"query":"query cop{__typename}"}'):
        response = http.post("/graphql", content=body, headers={"content-type": kind})
        assert response.status_code == 415
        assert "data" not in response.json()


def test_introspection(http: httpx.Client) -> None:
    for query in (EVERYTHING, '{__type(name:"Query"){fields{name}}}'):
        response = http.post("/graphql", json={"query": query})
        assert set(refusals(response.json())) == {"GRAPHQL_VALIDATION_FAILED"}
        assert "registerDevice" not in response.text


def test_trace_mode(http: httpx.Client) -> None:
    """A find is ``tracing`` among the extensions."""
    answer = http.post(
        "/graphql", json={"query": "query cop{__typename}"}, headers={"apollo-federation-include-trace": "ftv1"}
    ).json()
    assert answer == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "body", [b'{"query":"qwerty cop{abc}"}', b"{", b'{"query":1}', b"null", b'{"query":"{\\u0000}"}']
)
def test_unhandled_errors(http: httpx.Client, body: bytes) -> None:
    """A find is an ``exception`` among the extensions."""
    response = http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code < 500
    assert refusals(response.json()) in (["GRAPHQL_PARSE_FAILED"], ["BAD_REQUEST"])
    for word in ("exception", "Traceback", "File ", "stacktrace"):
        assert word not in response.text
