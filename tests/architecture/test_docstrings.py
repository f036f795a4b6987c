"""Public names say what they are for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source import PRODUCT, Function, Source, sources

# Called by a library under its own name; the library's manual says what they do.
LIBRARY_CALLS = {
    "connection_made": "asyncio.Protocol",
    "data_received": "asyncio.Protocol",
    "connection_lost": "asyncio.Protocol",
    "get_col_spec": "SQLAlchemy",
    "upgrade": "alembic; the migration's docstring is the module's",
}


def is_plain_property(function: Function) -> bool:
    """One expression behind a name that its class explains."""
    marked = any(ast.unparse(decorator) == "property" for decorator in function.decorator_list)
    return marked and len(function.body) == 1


def is_described(function: Function) -> bool:
    """A field of the schema whose description clients read."""
    return any(
        isinstance(decorator, ast.Call) and any(word.arg == "description" for word in decorator.keywords)
        for decorator in function.decorator_list
    )


def undocumented(source: Source, body: list[ast.stmt], *, protocol: bool = False) -> Iterator[str]:
    """Public classes and functions without a docstring. A Protocol's own docstring stands for its members."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield f"{source.at(node)} {node.name}"
            bases = {ast.unparse(base).partition("[")[0] for base in node.bases}
            yield from undocumented(source, node.body, protocol="Protocol" in bases)
        elif isinstance(node, Function) and not node.name.startswith("_"):
            named = ast.get_docstring(node) or is_described(node) or is_plain_property(node)
            if not named and not protocol and node.name not in LIBRARY_CALLS:
                yield f"{source.at(node)} {node.name}"


def test_every_module_says_what_it_is() -> None:
    assert [s.name for s in sources() if s.text.strip() and not ast.get_docstring(s.tree)] == []


def test_every_public_name_has_a_docstring() -> None:
    assert [odd for source in sources(*PRODUCT) for odd in undocumented(source, source.tree.body)] == []
