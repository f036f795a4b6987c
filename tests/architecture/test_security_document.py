"""``docs/security.md`` against the code: every requirement once, and nothing named that is not there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.source import ROOT, named

PAGE = ROOT / "docs/security.md"
WANTED = Path(__file__).with_name("asvs.txt")
ROW = re.compile(
    r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| (met|n/a|site|\*\*open\*\*) \| ([^|]+) \|$", re.MULTILINE
)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
FILE = re.compile(
    r"`((?:api|cli|docs|domain|integrations|migrations|tests|workers)/[\w./-]+|[\w-]+\.(?:toml|lock|graphql))`"
)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
HEAD = re.compile(
    r"Of (\d+) requirements \*\*(\d+) are met\*\*, (\d+) do not apply \(n/a\), (\d+) are the site's own"
    r" .*?\*\*(\d+) (?:is|are) open\*\*",
    re.DOTALL,
)
STATES = ("met", "n/a", "site", "**open**")


@dataclass(frozen=True)
class Row:
    """One requirement as the page has it."""

    id: str
    level: str
    asked: str
    state: str
    why: str


def rows(text: str) -> list[Row]:
    """The rows of the tables."""
    return [Row(*(part.strip() for part in found)) for found in ROW.findall(text)]


TEXT = PAGE.read_text(encoding="utf-8")
ROWS = rows(TEXT)


def functions(path: Path) -> set[str]:
    """Names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_requirement_of_both_levels_stands_here_once() -> None:
    wanted = [tuple(line.split()) for line in WANTED.read_text(encoding="utf-8").splitlines()]
    assert Counter(level for _, level in wanted) == {"1": 70, "2": 183}
    assert len(set(wanted)) == 253
    assert [(row.id, row.level) for row in ROWS] == wanted
    begun = [line for line in TEXT.splitlines() if re.match(r"\| \d+\.\d+\.\d+ ", line)]
    assert len(begun) == len(ROWS), "a row is not of the table's shape"


def test_the_head_counts_what_the_tables_say() -> None:
    found = HEAD.search(TEXT)
    counted = Counter(row.state for row in ROWS)
    assert found is not None
    assert [int(number) for number in found.groups()] == [253, *(counted[state] for state in STATES)]


def test_every_named_test_is_there() -> None:
    known: dict[str, set[str]] = {}
    missing = []
    for path, name in TEST.findall(TEXT):
        if path not in known:
            known[path] = functions(ROOT / path) if (ROOT / path).exists() else set()
        if name not in known[path]:
            missing.append(f"{path}::{name}")
    assert missing == []
    assert "::" not in TEST.sub("", TEXT), "a test is named in another way than the others"


def test_every_named_file_is_there() -> None:
    assert [path for path in FILE.findall(TEXT) if not (ROOT / path).exists()] == []


def test_what_is_met_is_shown_and_what_is_not_says_why() -> None:
    shown = [row.id for row in ROWS if row.state == "met" and not TEST.search(row.why) and not LINK.search(row.why)]
    assert shown == []
    assert [row.id for row in ROWS if row.state == "site" and not LINK.search(row.why)] == []
    assert [row.id for row in ROWS if len(row.why) < 5] == []
    assert {row.asked for row in ROWS if len(row.asked) < 4} == set()


def test_only_documentation_is_shown_by_documents_alone() -> None:
    """What must be *done* is shown by a test; what must be written down may be shown by where it is written."""
    bare = {row.id for row in ROWS if row.state == "met" and not TEST.search(row.why)}
    written = {row.id for row in ROWS if re.fullmatch(r"\d+\.1\.\d+", row.id)}
    assert bare - written == set()


def test_a_page_with_a_fault_is_found_out() -> None:
    good = next(row for row in ROWS if row.state == "met")
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {good.id} |"))
    assert rows(line) == [good]
    assert rows(line.replace("| met |", "| claimed |")) == []
    assert functions(Path(__file__)) >= {"test_a_page_with_a_fault_is_found_out"}
    assert named(PAGE) == "docs/security.md"
