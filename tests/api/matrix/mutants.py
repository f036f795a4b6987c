"""One check less: every gate, every policy function and every place that filters rows, found in the code itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import pytest
from sqlalchemy import true

from api import permissions
from api.permissions import LEAVES, NODES, ROOTS
from api.policy import EVERYBODY, Rule
from domain.estate.visibility import at_home
from domain.kernel.actor import Actor, Scope
from domain.kernel.base import Base
from tests.api.matrix.fill import LOGS, NODE_OF
from tests.architecture.source import functions, sources

FILTERS = ("in_scope", "visible_to")
OPENERS: dict[str, Callable[..., Any]] = {"bool": lambda *_, **__: True, "ColumnElement[bool]": lambda *_, **__: true()}
"""What a policy function says that refuses nobody, by what it returns."""


@dataclass(frozen=True)
class Mutant:
    """A check that is taken away. ``unprotected``: row-level security is off too, as the filter is on trial."""

    name: str
    apply: Callable[[pytest.MonkeyPatch], None]
    unprotected: bool = False


def gates() -> Iterator[Mutant]:
    """Each row of the policy table open to everybody."""
    for table, rows in (("ROOTS", ROOTS), ("NODES", NODES), ("LEAVES", LEAVES)):
        for path, rule in rows.items():
            if not (rule.roles >= EVERYBODY):
                yield Mutant(f"{table} {path}", _opened(path, rule))


def _opened(path: str, opened: Rule) -> Callable[[pytest.MonkeyPatch], None]:
    def apply(patch: pytest.MonkeyPatch) -> None:
        passes, sees = permissions.passes, permissions.sees

        def lax(actor: Actor, rule: Rule | None) -> bool:
            before = path in NODES and rule is ROOTS["Query.node"]  # a node's gate stands behind that of ``node``
            return rule is opened or before or passes(actor, rule)

        def seen(actor: Actor, leaf: str, **how: Any) -> bool:
            return leaf == path or sees(actor, leaf, **how)

        patch.setattr(permissions, "passes", lax)
        if path in LEAVES:
            _everywhere(patch, "sees", sees, seen)

    return apply


def times() -> Iterator[Mutant]:
    """Each table of homes as if its rows told of no time, and the same without SQL."""
    for mapper in Base.registry.mappers:
        node = NODE_OF.get(mapper.local_table.name.replace("_", ""))
        if vars(mapper.class_).get("over") is not None and node in NODES and mapper.local_table.name not in LOGS:
            yield Mutant(f"TIMES {node}", _timeless(mapper.class_), unprotected=True)
    yield Mutant("TIMES Subscription.eventFeed", _ageless)


def _timeless(table: type) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(table, "over", None)


def _ageless(patch: pytest.MonkeyPatch) -> None:
    def lax(scope: Scope, home_id: int | None, _: Any) -> bool:
        return home_id in scope.homes

    _everywhere(patch, "at_home", at_home, lax)


def policies() -> Iterator[Mutant]:
    """Each policy function of the domain that says yes to everybody."""
    for source in sources("domain"):
        if not source.name.endswith("/policies.py"):
            continue
        module = importlib.import_module(source.name.removesuffix(".py").replace("/", "."))
        for function in functions(source):
            returns = ast.unparse(function.returns) if function.returns is not None else ""
            if returns in OPENERS:
                name, found = function.name, getattr(module, function.name)
                yield Mutant(f"{source.name}:{name}", _replaced(name, found, OPENERS[returns]))


def _replaced(name: str, found: FunctionType, by: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: _everywhere(patch, name, found, by)


def _everywhere(patch: pytest.MonkeyPatch, name: str, found: Any, by: Any) -> None:
    """``found`` is ``by`` in every module that knows it."""
    for module in list(sys.modules.values()):
        known = isinstance(module, ModuleType) and module.__name__.split(".")[0] in ("api", "domain")
        if known and vars(module).get(name) is found:
            patch.setattr(module, name, by)


def filters() -> Iterator[Mutant]:
    """Each function of the domain in which rows are filtered, without its filter."""
    for source in sources("domain"):
        if source.name.endswith(("/visibility.py", "/policies.py")):
            continue
        for function in functions(source):
            calls = {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            if calls & set(FILTERS):
                module = source.name.removesuffix(".py").replace("/", ".")
                yield Mutant(f"{source.name}:{function.name}", _unfiltered(module, function.name), unprotected=True)


def _unfiltered(module_name: str, function: str) -> Callable[[pytest.MonkeyPatch], None]:
    def apply(patch: pytest.MonkeyPatch) -> None:
        module = importlib.import_module(module_name)
        for name in FILTERS:
            if (found := vars(module).get(name)) is not None:
                patch.setattr(module, name, _lax(found, function))

    return apply


def _lax(found: Callable[..., Any], function: str) -> Callable[..., Any]:
    """``found``, which lets everything pass when asked from inside ``function``."""

    def filtered(*arguments: Any, **named: Any) -> Any:
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        inside = caller is not None and function in caller.f_code.co_qualname.split(".")
        return true() if inside else found(*arguments, **named)

    return filtered
