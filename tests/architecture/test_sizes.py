"""Small things can be read: files, functions and resolvers stay within the house's sizes."""

from __future__ import annotations

import ast
from statistics import median

from tests.architecture.source import PRODUCT, Function, functions, sources

MOST_FILE_LINES = 400
MEDIAN_FILE_LINES = 120
MOST_FUNCTION_LINES = 60
MOST_RESOLVER_LINES = 15
# A migration is a list of statements, written once and never changed.
LISTS = "migrations/versions/"


def body_lines(function: Function) -> int:
    """Lines from the first statement behind the docstring to the last; the signature is not counted."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def is_resolver(function: Function) -> bool:
    return any(ast.unparse(decorator).startswith("strawberry.") for decorator in function.decorator_list)


def test_no_file_is_longer_than_400_lines() -> None:
    assert [s.name for s in sources() if len(s.lines) > MOST_FILE_LINES] == []


def test_half_of_the_files_have_at_most_120_lines() -> None:
    for folders in (PRODUCT, ("tests",)):
        lengths = [len(source.lines) for source in sources(*folders) if source.text]
        assert median(lengths) <= MEDIAN_FILE_LINES


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{source.at(function)} {function.name}"
        for source in sources()
        for function in functions(source)
        if (function.end_lineno or 0) - function.lineno >= MOST_FUNCTION_LINES and not source.name.startswith(LISTS)
    ]
    assert long == []


def test_resolvers_only_translate() -> None:
    resolvers = [(s, f) for s in sources("api") for f in functions(s) if is_resolver(f)]
    assert len(resolvers) > 50
    assert [s.at(f) for s, f in resolvers if body_lines(f) > MOST_RESOLVER_LINES] == []
