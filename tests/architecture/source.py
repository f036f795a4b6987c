"""The repository as text and syntax trees, for tests that hold it to the house rules."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("api", "domain", "integrations", "workers", "migrations", "cli")
# What tools leave in a clone; everything else in it belongs to the repository.
MADE = {".git", ".venv", ".zhian", ".hypothesis", "node_modules", "__pycache__", "dist", "build", "htmlcov"}
TEXTS = {".py", ".md", ".toml", ".json", ".graphql", ".sh", ".yml", ".yaml", ".html", ".mjs", ".mako", ".txt", ""}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file. ``name``: its path in the repository, with slashes."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, self.name)

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()

    def at(self, node: ast.AST) -> str:
        """``file:line`` of a node."""
        return f"{self.name}:{getattr(node, 'lineno', 0)}"


def files(*folders: str) -> Iterator[Path]:
    """Every file of the repository under ``folders`` (all when none is named)."""
    pending = [ROOT / folder for folder in folders] or [ROOT]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.name in MADE or path.name.startswith(".coverage") or path.name.endswith((".egg-info", "_cache")):
                continue
            if path.is_dir():
                pending.append(path)
            else:
                yield path


def named(path: Path) -> str:
    """The path in the repository."""
    return path.relative_to(ROOT).as_posix()


@lru_cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file under ``folders``."""
    return tuple(Source(named(p), p.read_text(encoding="utf-8")) for p in files(*folders) if p.suffix == ".py")


def texts() -> Iterator[tuple[str, str]]:
    """Name and content of every text file of the repository."""
    for path in files():
        if path.suffix in TEXTS:
            yield named(path), path.read_text(encoding="utf-8")


def functions(source: Source) -> Iterator[Function]:
    """Every function of a file, nested ones too."""
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            yield node


def found(folders: tuple[str, ...], odd: Callable[[ast.AST], bool], *, but: dict[str, str] | None = None) -> list[str]:
    """``file:line`` of every node under ``folders`` that is ``odd``, outside the files ``but`` (name -> reason)."""
    return [
        source.at(node)
        for source in sources(*folders)
        if source.name not in (but or {})
        for node in ast.walk(source.tree)
        if odd(node)
    ]


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a name or attribute; '' of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""
