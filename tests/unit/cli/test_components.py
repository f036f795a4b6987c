"""What this version is built of: against an OSV and an index on loopback, which know, do not know, or do not answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.components import command as components
from cli.components.locked import LOCK, PEERS, Component, read_locked
from cli.components.reviewed import QUARTER_DAYS, Review, read_review, write_review
from cli.main import build
from tests.architecture.source import ROOT

NOW = datetime.now(UTC)
UV_LOCK = """
version = 1
requires-python = ">=3.11"
[[package]]
name = "ours"
version = "1.0"
source = {{ editable = "." }}
dependencies = [{{ name = "front-door" }}]
dev-dependencies = {{ dev = [{{ name = "hammer" }}] }}
[[package]]
name = "front-door"
version = "2.0"
source = {{ registry = "{index}" }}
[[package]]
name = "hammer"
version = "1.5"
source = {{ registry = "{index}" }}
[[package]]
name = "hinge"
version = "0.3"
source = {{ registry = "{index}" }}
"""
NPM_LOCK = {
    "packages": {
        "": {"dependencies": {"@a/b": "1.0.0"}},
        "node_modules/@a/b": {"version": "1.0.0"},
        "node_modules/@a/b/node_modules/c": {"version": "2.0.0", "name": "real-c"},
    }
}


def file(name: str, version: str, *, ago: float = 400, **said: Any) -> dict[str, Any]:
    """A wheel as an index tells it; ``ago``: days."""
    at = (NOW - timedelta(days=ago)).isoformat()
    return {
        "filename": f"{name.replace('-', '_')}-{version}-py3-none-any.whl",
        "upload-time": at,
        "yanked": False,
    } | said


def advisory(name: str, ecosystem: str, package: str, **said: Any) -> dict[str, Any]:
    """A weakness as OSV tells it, mended in 2.1."""
    events = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1"}]}
    commits = {"type": "GIT", "events": [{"fixed": "c0ffee"}]}
    other = {"package": {"ecosystem": ecosystem, "name": "else"}, "ranges": [{"events": [{"fixed": "9"}]}]}
    affected = [{"package": {"ecosystem": ecosystem, "name": package}, "ranges": [events, commits]}, other]
    words = {"aliases": ["CVE-2026-1"], "published": "2026-11-01T00:00:00Z", "summary": "The door is open."}
    return {"id": name, "affected": affected} | words | said


@dataclass
class Others:
    """OSV and an index. ``vulnerable``: ids by package; ``broken``: how addresses begin that are answered with 500;
    ``odd``: what OSV answers instead.
    """

    files: dict[str, list[dict[str, Any]]]
    vulnerable: dict[str, list[str]] = field(default_factory=dict)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: str = "-"
    odd: bytes | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def batch(self, queries: list[dict[str, Any]]) -> dict[str, Any]:
        """One id a page."""
        self.asked += queries
        results: list[dict[str, Any]] = []
        for query in queries:
            names, page = self.vulnerable.get(query["package"]["name"], []), int(query.get("page_token", 0))
            result: dict[str, Any] = {"vulns": [{"id": names[page]}]} if names else {}
            results.append(result | ({"next_page_token": str(page + 1)} if page + 1 < len(names) else {}))
        return {"results": results}

    def get(self, path: str) -> dict[str, Any]:
        """An advisory, or a page of the index."""
        if path.startswith("/v1/vulns/"):
            return self.known[path.removeprefix("/v1/vulns/")]
        return {"files": self.files[path.split("/")[2]]}


@pytest.fixture
def others() -> Iterator[Others]:
    """All is well with them."""
    made = Others(
        files={name: [file(name, v)] for name, v in (("front-door", "2.0"), ("hammer", "1.5"), ("hinge", "0.3"))}
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(lambda: made.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.answer(lambda: made.batch(json.loads(body)["queries"]))

        def answer(self, say: Callable[[], dict[str, Any]]) -> None:
            good = not self.path.startswith(made.broken)
            body = json.dumps(say()).encode() if good else b"no"
            if made.odd is not None and self.path.startswith("/v1"):
                body = made.odd
            self.send_response(200 if good else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the last review: there was none."""
    kept = tmp_path / "reviewed.json"
    write_review(Review(None, None, {}), kept)
    monkeypatch.setattr(components, "read_review", lambda: read_review(kept))
    monkeypatch.setattr(components, "write_review", lambda made: write_review(made, kept))
    return kept


@pytest.fixture
def run(others: Others, review: Path, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the command on a folder that locks five components."""
    (tmp_path / LOCK).write_text(UV_LOCK.format(index=f"{others.url}/simple"))
    (tmp_path / PEERS).parent.mkdir(parents=True)
    (tmp_path / PEERS).write_text(json.dumps(NPM_LOCK))

    def command(*arguments: str, osv: str | None = None) -> tuple[int, dict[str, Any]]:
        given = ["components", "--folder", str(tmp_path), "--osv", osv or others.url, "--json", *arguments]
        done = CliRunner().invoke(build(given), given)
        return done.exit_code, json.loads(done.stdout) if done.stdout else {}

    return command


Run = Callable[..., tuple[int, dict[str, Any]]]


def test_every_component_of_both_locks_is_asked_for_and_nothing_found_is_well(run: Run, others: Others) -> None:
    status, said = run()

    assert (status, said["components"], said["unanswered"]) == (0, 5, [])
    assert [said[name] for name in ("advisories", "withdrawn", "behind", "accepted")] == [[]] * 4
    asked = {(q["package"]["ecosystem"], q["package"]["name"], q["version"]) for q in others.asked}
    assert asked == {
        ("PyPI", "front-door", "2.0"), ("PyPI", "hammer", "1.5"), ("PyPI", "hinge", "0.3"),
        ("npm", "@a/b", "1.0.0"), ("npm", "real-c", "2.0.0"),
    }  # fmt: skip


def test_a_known_weakness_fails_and_is_named_with_its_version_and_what_mends_it(run: Run, others: Others) -> None:
    others.vulnerable = {"front-door": ["PYSEC-1", "PYSEC-2", "PYSEC-3"], "@a/b": ["GHSA-1"]}
    others.known = {
        "PYSEC-1": advisory("PYSEC-1", "PyPI", "Front_Door"),
        "PYSEC-2": advisory(
            "PYSEC-2", "PyPI", "front-door", aliases=[], affected=[], summary="", details="Long.\nWords."
        ),
        "PYSEC-3": advisory("PYSEC-3", "PyPI", "front-door", withdrawn="2026-11-02T00:00:00Z"),
        "GHSA-1": advisory("GHSA-1", "npm", "@a/b"),
    }

    status, said = run()

    assert status == 1
    assert sorted(said["advisories"]) == [
        "@a/b 1.0.0: GHSA-1, CVE-2026-1, fixed in 2.1, known since 2026-11-01: The door is open.",
        "front-door 2.0: PYSEC-1, CVE-2026-1, fixed in 2.1, known since 2026-11-01: The door is open.",
        "front-door 2.0: PYSEC-2, not fixed anywhere yet, known since 2026-11-01: Long.",
    ]


def test_one_that_somebody_judged_is_shown_with_the_reason(run: Run, others: Others, review: Path) -> None:
    others.vulnerable, others.known = {"hinge": ["X-1"]}, {"X-1": advisory("X-1", "PyPI", "hinge")}
    write_review(Review(None, None, {"CVE-2026-1": "we never open it"}), review)

    status, said = run("--record")

    assert (status, said["advisories"], said["overdue"]) == (0, [], False)
    assert said["accepted"][0].endswith("accepted: we never open it")


@pytest.mark.parametrize("broken", ["/v1/querybatch", "/v1/vulns", "/simple/hinge"])
def test_who_does_not_answer_is_never_well(run: Run, others: Others, review: Path, broken: str) -> None:
    others.vulnerable, others.known = {"hinge": ["X-1"]}, {"X-1": advisory("X-1", "PyPI", "hinge", withdrawn="now")}
    others.broken = broken

    status, said = run("--record")

    assert status == 3
    assert broken in said["unanswered"][0]
    kept = read_review(review)
    assert (kept.advisories is None, kept.releases is None) == (broken.startswith("/v1"), broken.startswith("/s"))


ENDLESS = json.dumps({"results": [{"next_page_token": "1"}] * 5}).encode()


@pytest.mark.parametrize("odd", [b"<html>", b"[]", b"{}", b'{"results": []}', ENDLESS])
def test_an_osv_that_says_something_else_is_not_known(run: Run, others: Others, odd: bytes) -> None:
    others.odd = odd
    status, said = run()
    assert (status, len(said["unanswered"])) == (3, 1)


def test_what_was_found_stands_above_what_is_not_known(run: Run, others: Others) -> None:
    others.files["hinge"] = [file("hinge", "0.3", yanked="it lost its pin")]
    status, said = run(osv="http://127.0.0.1:1")

    assert (status, said["withdrawn"]) == (1, ["hinge 0.3: withdrawn, it lost its pin"])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([file("hinge", "0.3", yanked=True)], ["hinge 0.3: withdrawn, no reason given"]),
        ([file("hinge", "0.4")], ["hinge 0.3: withdrawn, it is not there any more"]),
        ([file("hinge", "0.3", yanked="x"), file("hinge", "0.3") | {"filename": "hinge-0.3.tar.gz"}], []),
    ],
)
def test_a_release_that_was_withdrawn_fails(
    run: Run, others: Others, files: list[dict[str, Any]], said: list[str]
) -> None:
    others.files["hinge"] = files
    status, found = run()
    assert (status, found["withdrawn"]) == (1 if said else 0, said)


@pytest.mark.parametrize(
    ("later", "behind"),
    [
        ([file("front-door", "2.1", ago=QUARTER_DAYS + 1), file("front-door", "2.2", ago=1)], 1),
        ([file("front-door", "2.1", ago=QUARTER_DAYS - 1)], 0),
        ([file("front-door", "2.1rc1", ago=300)], 0),
        ([file("front-door", "2.1", ago=300, yanked=True)], 0),
        ([file("front-door", "2.1", ago=300) | {"requires-python": ">=3.12"}], 0),
        ([file("front-door", "2.1", ago=300) | {"requires-python": "nonsense"}], 1),
        ([file("front-door", "1.9", ago=1)], 0),
        ([file("front-door", "2.1", ago=300) | {"filename": "front-door-2.1.exe"}], 0),
    ],
)
def test_a_direct_component_that_could_have_been_newer_for_a_quarter_is_told(
    run: Run, others: Others, later: list[dict[str, Any]], behind: int
) -> None:
    others.files["front-door"] += later
    others.files["hinge"].append(file("hinge", "9", ago=300))  # what others bring along is theirs to raise

    status, said = run()

    assert (status, len(said["behind"])) == (0, behind)
    assert all(line.startswith("front-door 2.0: 2.") and "is out; behind for" in line for line in said["behind"])


def test_an_index_without_upload_times_is_not_known(run: Run, others: Others) -> None:
    del others.files["hinge"][0]["upload-time"]
    status, said = run()
    assert (status, len(said["unanswered"])) == (3, 1)
    assert "PEP 700" in said["unanswered"][0]


def test_the_day_is_written_down_only_when_asked_and_only_for_what_was_well(
    run: Run, others: Others, review: Path
) -> None:
    assert run()[1]["overdue"] is True
    assert read_review(review) == Review(None, None, {})
    others.vulnerable, others.known = {"hinge": ["X-1"]}, {"X-1": advisory("X-1", "PyPI", "hinge")}
    run("--record")
    today = datetime.now(UTC).date()
    assert read_review(review) == Review(None, today, {})
    others.vulnerable = {}
    assert run("--record")[1]["overdue"] is False
    assert read_review(review) == Review(today, today, {})


def test_people_are_told_in_lines(run: Run, others: Others, review: Path, tmp_path: Path) -> None:
    given = ["components", "--folder", str(tmp_path), "--osv", "http://127.0.0.1:1"]
    done = CliRunner().invoke(build(given), given)
    assert done.stdout.startswith("not known  advisories: http://127.0.0.1:1/v1/querybatch: ConnectError")
    assert "releases never asked for; the quarter is 92 days" in done.stdout
    well = CliRunner().invoke(build(given), [*given[:3], "--osv", others.url])
    assert "5 components: no known weakness, none withdrawn" in well.stdout


def test_without_a_lock_nothing_is_asked(tmp_path: Path, review: Path) -> None:
    given = ["components", "--folder", str(tmp_path)]
    assert CliRunner().invoke(build(given), given).exit_code == 2


@pytest.mark.parametrize(
    ("days", "overdue"), [(0, False), (QUARTER_DAYS, False), (QUARTER_DAYS + 1, True), (None, True)]
)
def test_a_review_lasts_a_quarter(days: int | None, overdue: bool) -> None:
    today = date(2026, 11, 22)
    then = None if days is None else today - timedelta(days=days)
    assert Review(today, then, {}).overdue(today) is Review(then, today, {}).overdue(today) is overdue
    assert Review(then, today, {}).said(today).endswith("releases looked through 0 days ago")


def test_the_locks_of_this_repository_and_its_review_can_be_read() -> None:
    locked = read_locked(ROOT)
    named = {(one.ecosystem, one.name): one for one in locked.components}

    assert locked.python == "3.11"
    assert named["PyPI", "httpx"].direct
    assert not named["PyPI", "h11"].direct
    assert named["npm", "graphql-ws"] == Component("npm", "graphql-ws", named["npm", "graphql-ws"].version, "", True)
    assert ("PyPI", "zhian") not in named
    assert all(len(reason) > 10 for reason in read_review().accepted.values())
