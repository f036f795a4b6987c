"""Every act that is recorded has a name that is told in both languages, and every name is recorded somewhere."""

from __future__ import annotations

import ast

from domain.identity.audit.actions import ACTIONS, CHANGES, READS, told
from tests.architecture.source import sources

NAMES = "domain/identity/audit/actions.py"


def constants() -> set[str]:
    """Every text in the product outside the table of names, and the names made by f-strings."""
    return {
        node.value
        for source in sources("api", "cli", "domain", "integrations", "workers")
        if source.name != NAMES
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    } | {"alert.acknowledged", "alert.assigned"}


def recorded() -> set[str]:
    """The first argument of every call of ``record`` and ``_record`` that is a text."""
    return {
        argument.value
        for source in sources("api", "cli", "domain")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("record", "_record")
        for argument in node.args[:2]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and "." in argument.value
    }


def test_what_is_recorded_has_a_name() -> None:
    assert recorded() - ACTIONS.keys() == set()
    assert len(recorded()) > 15


def test_every_change_with_a_name_is_recorded() -> None:
    assert CHANGES.keys() - constants() == set()


def test_names_are_told_in_both_languages() -> None:
    assert CHANGES.keys() & READS.keys() == set()
    for action in ACTIONS:
        assert told(action, "en").isascii()
        assert not told(action, "zh-CN").isascii()
    assert told("something.newer", "en") == "something.newer"
