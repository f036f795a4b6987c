"""What stands in the files: reasons, links that lead somewhere, no place but the repository, no hidden exceptions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.source import ROOT, files, named, sources, texts

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PAGES = sorted(path for path in files() if path.suffix == ".md")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
# Rules that only say that a private or untyped name is used; the line shows which.
CLEAR = {"SLF001", "E501"}
NOQA = re.compile(r"#\s*noqa(?::\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?(?P<rest>.*)$")
IGNORE = re.compile(r"#\s*type:\s*ignore(?:\[(?P<codes>[\w\s,-]+)\])?(?P<rest>.*)$")
# Someone's machine: a path that starts where people keep their files.
MACHINE = re.compile(r"(?<![\w.$}~])/(?:home|Users|root|work|workspaces?|mnt|tmp|data)/[\w.-]+")
INVENTED = {"tests/unit/test_tree.py": "an invented home"}
HOSTS = {"https://pypi.org", "https://files.pythonhosted.org", "https://registry.npmjs.org"}


def suppressions(pattern: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    """(place, codes, reason) of every suppression comment."""
    for source in sources():
        if source.name == named(Path(__file__)):
            continue
        for number, line in enumerate(source.lines, 1):
            if match := pattern.search(line):
                yield f"{source.name}:{number}", (match["codes"] or "").strip(), match["rest"].strip(" -#—")


def test_every_noqa_names_its_rule_and_its_reason() -> None:
    bare = [place for place, codes, reason in suppressions(NOQA) if not codes or (not reason and not {codes} <= CLEAR)]
    assert bare == []


def test_every_ignored_type_error_is_named_and_the_products_have_a_reason() -> None:
    bare = [
        place
        for place, codes, reason in suppressions(IGNORE)
        if not codes or (not reason and not place.startswith("tests/"))
    ]
    assert bare == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    found = [
        f"{name}: {match[0]}"
        for name, text in texts()
        if name not in INVENTED and name != named(Path(__file__))
        for match in MACHINE.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["uv.lock", "tests/peers/package-lock.json"])
def test_locked_packages_come_from_the_public_registries(name: str) -> None:
    assert set(re.findall(r"https?://[^/\"\s]+", (ROOT / name).read_text(encoding="utf-8"))) <= HOSTS


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as code hosts make them."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in headings}


def test_links_of_the_documents_lead_somewhere() -> None:
    dead = []
    for page in PAGES:
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            if link.startswith(("http://", "https://", "mailto:")):
                continue
            path, _, anchor = unquote(link).partition("#")
            target = (page.parent / path) if path else page
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                dead.append(f"{named(page)}: {link}")
    assert dead == []


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / link.partition("#")[0]).resolve() for link in LINK.findall(index)}
    assert [named(path) for path in PAGES if path.is_relative_to(ROOT / "docs") and path not in linked] == [
        "docs/README.md"
    ]


def test_both_readmes_show_the_same_commands() -> None:
    def commands(name: str) -> list[str]:
        blocks = re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
        return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]

    assert commands("README.md") == commands("README.zh-CN.md")


def test_warnings_stay_errors_and_types_strict() -> None:
    tools = SETTINGS["tool"]
    assert tools["pytest"]["ini_options"]["filterwarnings"] == ["error"]
    assert "--strict-markers" in tools["pytest"]["ini_options"]["addopts"]
    assert tools["mypy"]["strict"] is True
    assert "ignore_errors" not in str(tools["mypy"])


# They replay messages collected from real devices and payment providers, which may not be copied into the repository:
# they run wherever the collection lies beside it.
COLLECTED = {
    "tests/contract/devices/test_payloads.py",
    "tests/contract/ingest/collected.py",
    "tests/contract/ingest/test_sockets.py",
    "tests/unit/payments/test_vectors.py",
}
# A browser is no package of PyPI or npm: it is driven where the machine has one.
BROWSERS = {"tests/peers/test_graphiql.py"}


def test_no_test_is_skipped() -> None:
    skip = re.compile(r"pytest\.(skip|xfail|importorskip)|mark\.(skip|skipif|xfail)\b")
    allowed = {named(Path(__file__)), *COLLECTED, *BROWSERS}
    assert [s.name for s in sources("tests") if s.name not in allowed and skip.search(s.text)] == []
