"""Who may see a row is decided in ``domain.estate.visibility`` and nowhere else.

What a test of the syntax can hold: a table's area columns are compared with what is being looked for (a key, an
argument, another table's column), never with what somebody may reach; and every read for a caller asks who it is.
"""

from __future__ import annotations

import ast

from tests.architecture.source import Source, dotted, functions, sources

WALLED = ("api", "domain", "integrations", "workers")
PLACE = "domain/estate/visibility.py"
FILTERS = {"in_scope", "visible_to", "covers"}
WIDE = {"county_id", "town_id", "community_id"}
NARROW = {"compound_id", "home_id"}
REACH = {"scope", "actor", "grants", "grant", "households", "neighbourhoods", "compounds", "homes", "areas"}

# Reads without a caller: function -> why nobody is asked.
ASKED_BY_NOBODY = {
    "domain/identity/authenticators/queries.py:officials": "numbers for those who run it, of nobody in particular",
    "domain/estate/queries.py:compound_place": "reads under the transaction's own scope, which RLS holds",
    "domain/identity/queries.py:resolve_actor": "finds out who the caller is; its scope is that account alone",
    "domain/security/devices/queries.py:weak_device_counts": "numbers for those who run it, of no place and no device",
}


def column_of(node: ast.AST) -> str:
    """The area column a node names ("" when none): ``Event.compound_id``, ``table.compound_id``, ``t.c.home_id``."""
    if not isinstance(node, ast.Attribute) or node.attr not in WIDE | NARROW:
        return ""
    owner = dotted(node.value).split(".")[-1]
    return node.attr if owner[:1].isupper() or owner in ("table", "columns", "c", "area") else ""


def mentions(node: ast.AST, names: set[str]) -> bool:
    words = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    words |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    return bool(words & names)


def is_filter(node: ast.AST) -> bool:
    """Whether a comparison decides by reach; a sub-select made by ``in_scope`` itself is no second decision."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("in_", "any_"):
        return bool(column_of(node.func.value)) and not mentions(ast.Tuple(node.args, ast.Load()), FILTERS)
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    columns = [column_of(side) for side in sides]
    if all(columns):
        return False  # a join
    return any(
        column in WIDE or (column in NARROW and any(mentions(side, REACH) for side in sides if not column_of(side)))
        for column in columns
        if column
    )


def test_no_area_filter_stands_outside_visibility() -> None:
    inline = [
        source.at(node)
        for source in sources(*WALLED)
        if source.name != PLACE
        for node in ast.walk(source.tree)
        if is_filter(node)
    ]
    assert inline == []


def test_the_rule_sees_the_filters_it_forbids() -> None:
    def odd(text: str) -> bool:
        return any(is_filter(node) for node in ast.walk(ast.parse(text)))

    assert odd("Event.compound_id.in_(actor.scope.compounds)")
    assert odd("Event.compound_id.in_(ids)")
    assert odd("Event.county_id == county")
    assert odd("Alert.home_id == actor.households[0].home_id")
    assert odd("table.c.compound_id == scope.compounds[0]")
    assert not odd("Event.compound_id == compound_id")
    assert not odd("Event.compound_id == Inbox.compound_id")
    assert not odd("table.compound_id.in_(select(Area.id).where(in_scope(scope, Area)))")


def takes_a_caller(source: Source) -> list[str]:
    """Public reads of a ``queries`` module that take a Reader but neither actor nor scope."""
    return [
        f"{source.name}:{function.name}"
        for function in functions(source)
        if isinstance(function, ast.AsyncFunctionDef) and not function.name.startswith("_")
        for names in [{arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}]
        if not names & {"actor", "scope"}
    ]


def test_every_read_asks_who_reads() -> None:
    modules = [source for source in sources("domain") if source.name.endswith("/queries.py")]
    assert len(modules) >= 7
    assert {odd for source in modules for odd in takes_a_caller(source)} == ASKED_BY_NOBODY.keys()
