"""``docs/operations.md`` at its word: its commands back a running, loaded instance up and restore it elsewhere."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import cv2
import httpx
import numpy as np
import pytest

from cli.demo import describe
from cli.opened import opened
from cli.running import settings_for
from domain.identity.accounts.service import ensure_account
from domain.identity.sessions.service import start_session
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.paging import LogCursor
from integrations.embedded import EmbeddedPostgres
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from tests.factories.patience import PATIENCE
from tests.factories.tree import UpTree

pytestmark = pytest.mark.fault

DOCUMENT = Path(__file__).parents[2] / "docs/operations.md"
# The issuer of tokens is the same wherever it is restored; the demo's officials have no authenticators.
PUBLIC = {"ZHIAN_PUBLIC_URL": "http://zhian.test", "ZHIAN_SECOND_FACTOR": "optional"}
FEED = "subscription($after: String) { alertFeed(after: $after) { cursor alert { id } } }"
BEGINNING = LogCursor(0, 0).encode()
BEFORE_BACKUP = 40
SAYS_SECONDS = PATIENCE


def commands(section: str) -> list[str]:
    """The shell blocks of a section of the document."""
    text = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def shell(block: str, folder: Path) -> None:
    """Run a block as it is written; ``zhian up`` is the tests' own to run."""
    lines = "\n".join(line for line in block.splitlines() if not line.startswith(("zhian up", "zhian doctor")))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ZHIAN_", "PG"))}
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", lines], cwd=folder, env=environ, check=False, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class Gate:
    """A device that pushes one event after the other; ``acknowledged`` counts the answers."""

    credential: str
    port: int
    acknowledged: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _reached: threading.Condition = field(default_factory=threading.Condition)

    def push(self, number: int, **more: Any) -> int:
        """Push event ``number``; the status."""
        said = {"id": f"b-{number}", "type": "camera_event", "data": {"type": "other", "detail": f"number {number}"}}
        return httpx.post(
            f"http://127.0.0.1:{self.port}/devices/events",
            json=said | more,
            headers={"Authorization": f"Bearer {self.credential}"},
            timeout=PATIENCE,
            trust_env=False,
        ).status_code

    def _run(self) -> None:
        for number in itertools.count(1):
            if self._stop.is_set():
                return
            assert self.push(number) == 200
            with self._reached:
                self.acknowledged = number
                self._reached.notify_all()

    @contextmanager
    def pushing(self) -> Iterator[None]:
        """Push without pause."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def wait(self, count: int) -> int:
        """Return when at least ``count`` are acknowledged."""
        with self._reached:
            assert self._reached.wait_for(lambda: self.acknowledged >= count, 120)
            return self.acknowledged


@dataclass(frozen=True)
class Kept:
    """folder: holds ``backup/``, ``backup.dump`` and the old ``.zhian``. kept: acknowledged when the backup began."""

    folder: Path
    kept: int
    last: int
    phone: str
    token: str
    refresh: str
    cursors: tuple[str, str]


def ask(port: int, query: str, token: str | None, **variables: Any) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = {"query": query, "variables": variables}
    return httpx.post(f"http://127.0.0.1:{port}/graphql", json=body, headers=headers, timeout=PATIENCE, trust_env=False)


def first_item(port: int, token: str, after: str | None) -> dict[str, Any]:
    """The first thing the alert feed says: an item or an error."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    body = {"query": FEED, "variables": {"after": after}}
    with httpx.stream(
        "POST", f"http://127.0.0.1:{port}/graphql", json=body, headers=headers, timeout=PATIENCE, trust_env=False
    ) as answer:
        deadline = time.monotonic() + SAYS_SECONDS
        for line in answer.iter_lines():  # a quiet stream beats every 15 s
            if line.startswith("data:"):
                return dict(json.loads(line.removeprefix("data:")))
            assert time.monotonic() < deadline, "the feed says nothing: items are skipped silently"
    raise AssertionError("the feed ended without a word")


async def sign_in(data_dir: Path, phone: str) -> tuple[str, str]:
    """Access and refresh token of a new sign-in."""
    settings = settings_for(data_dir, {})
    async with opened(settings) as found:
        async with found.database.unit_of_work(system_actor(NOTHING)) as uow:
            account = await ensure_account(uow, vault=found.vault, phone=f"+86{phone}")
            session = await start_session(uow, account.id, account.token_version, "backup")
        access, _ = AccessTokens(SigningKeys(settings.key_dir), issuer=settings.public_url).issue(
            account_id=session.account_id,
            session_id=session.session_id,
            token_version=session.token_version,
            now=found.database.clock(),
        )
    return access, session.refresh_token


def demo(data_dir: Path) -> tuple[str, str]:
    """Credential of a camera of our own contract, and the phone of somebody in the office that serves its compound."""
    found = asyncio.run(describe(settings_for(data_dir, {})))
    cameras = [d for d in found["devices"] if d["vendor"] == "zhian" and d["credential"] and d["gateway"] is None]
    camera = cameras[0]
    office = [a for a in found["accounts"] if a["role"] == "property_manager" and a["scope"] == camera["compound"]]
    return camera["credential"], office[0]["phone"]


def picture() -> str:
    """A small JPEG in base64."""
    return base64.b64encode(cv2.imencode(".jpg", np.full((64, 64, 3), 128, np.uint8))[1].tobytes()).decode()


@pytest.fixture(scope="module")
def backed_up() -> Iterator[Kept]:
    """An instance that was backed up while a device pushed, went on for a while, and is gone."""
    with tempfile.TemporaryDirectory(prefix="zhian-data-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with UpTree(folder / ".zhian", "--demo", "--no-mqtt", environ=PUBLIC) as tree:
            tree.wait_ready()
            credential, phone = demo(tree.data_dir)
            access, refresh = asyncio.run(sign_in(tree.data_dir, phone))
            gate = Gate(credential, tree.port)
            alarm = {"type": "camera_event", "data": {"type": "fire"}}
            assert gate.push(0, **alarm, id="fire-1", pictures=[{"label": "scene", "content": picture()}]) == 200
            before = first_item(tree.port, access, BEGINNING)["data"]["alertFeed"]["cursor"]
            with gate.pushing():
                kept = gate.wait(BEFORE_BACKUP)
                for block in commands("Backup"):
                    shell(block, folder)
                last = gate.wait(gate.acknowledged + 20)
            assert gate.push(0, **{**alarm, "data": {"type": "thrown_object"}}, id="thrown-1") == 200
            after = first_item(tree.port, access, before)["data"]["alertFeed"]["cursor"]
            assert tree.stop() == 0
        yield Kept(folder, kept, last, phone, access, refresh, (before, after))


def stored_in(tree: UpTree) -> tuple[int, int]:
    """How many events and how many raw messages are there."""

    async def count() -> tuple[int, int]:
        connection = await asyncpg.connect(EmbeddedPostgres(tree.data_dir).url(superuser=True))
        try:
            return (
                await connection.fetchval("select count(*) from event where kind = 'camera_event'"),
                await connection.fetchval("select count(*) from raw_message"),
            )
        finally:
            await connection.close()

    return asyncio.run(count())


def check(tree: UpTree, saved: Kept) -> None:
    """Everything of before the backup is there, sealed fields open, and nobody is fooled by a cursor."""
    stored, raw = stored_in(tree)
    assert stored == raw  # none half restored
    assert saved.kept + 1 <= stored <= saved.last + 1
    me = ask(tree.port, "{ viewer { account { phone } } }", saved.token).json()
    assert me["data"]["viewer"]["account"]["phone"] == f"+86{saved.phone}"
    page = ask(tree.port, "{ alerts(first: 5) { edges { node { kind } } } }", saved.token).json()
    assert [edge["node"]["kind"] for edge in page["data"]["alerts"]["edges"]] == ["FIRE"]
    for cursor in saved.cursors:
        refused = first_item(tree.port, saved.token, cursor)
        assert refused["errors"][0]["extensions"]["code"] == "STALE_CURSOR"


def doctor(data_dir: Path) -> None:
    """``zhian doctor`` finds nothing broken."""
    argv = [sys.executable, "-P", "-m", "cli.main", "doctor", "--data-dir", str(data_dir), "--json"]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_a_base_backup_is_restored_with_all_that_was_acknowledged(backed_up: Kept) -> None:
    base, _ = commands("Restore")
    assert base.splitlines()[1:] == ["zhian up --data-dir restored", "zhian doctor --data-dir restored"]
    shell(base, backed_up.folder)
    with UpTree(backed_up.folder / "restored", "--no-mqtt", environ=PUBLIC) as tree:
        tree.wait_ready()
        doctor(tree.data_dir)
        check(tree, backed_up)
        files = [path.stem for path in (tree.data_dir / "pictures").rglob("*") if path.is_file()]
        assert len(files) == 1
        assert tree.stop() == 0
    with UpTree(backed_up.folder / "restored", "--no-mqtt", environ=PUBLIC) as again:
        again.wait_ready()
        assert "restored:" not in again.output.read_text()  # one restore is one epoch
        assert again.stop() == 0


def test_a_dump_is_loaded_into_a_new_server(backed_up: Kept) -> None:
    _, dump = commands("Restore")
    assert dump.splitlines()[-1] == "zhian up --data-dir loaded"
    shell(dump, backed_up.folder)
    with UpTree(backed_up.folder / "loaded", "--no-mqtt", environ=PUBLIC) as tree:
        tree.wait_ready()
        check(tree, backed_up)
        assert "restored:" in tree.output.read_text()
        assert tree.stop() == 0


def test_what_a_lost_key_file_costs(backed_up: Kept) -> None:
    folder = backed_up.folder / "lost"
    shutil.copytree(backed_up.folder / "backup", folder)
    (folder / "keys/signing.json").unlink()
    vault = (folder / "keys/vault.json").rename(folder / "vault.copy")

    with UpTree(folder, "--no-mqtt", environ=PUBLIC) as tree:
        assert tree.process.wait(180) == 1
        assert "WRONG_KEY_FILE" in tree.output.read_text()
    shutil.copy2(vault, folder / "keys/vault.json")
    with UpTree(folder, "--no-mqtt", environ=PUBLIC) as tree:
        tree.wait_ready()
        assert ask(tree.port, "{ viewer { account { phone } } }", backed_up.token).status_code == 401
        renew = "mutation($t: String!) { refreshSession(refreshToken: $t) { accessToken } }"
        fresh = ask(tree.port, renew, None, t=backed_up.refresh).json()["data"]["refreshSession"]["accessToken"]
        me = ask(tree.port, "{ viewer { account { phone } } }", fresh).json()
        assert me["data"]["viewer"]["account"]["phone"] == f"+86{backed_up.phone}"
        assert tree.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--data-dir", "nowhere", "psql"], "NO_CLUSTER"),
        (["--data-dir", "backup", "--new", "psql"], "CLUSTER_EXISTS"),
        (["rm", "-rf", "/"], "NO_PROGRAM"),
    ],
)
def test_a_wrong_folder_or_program_is_refused(backed_up: Kept, arguments: list[str], code: str) -> None:
    argv = [sys.executable, "-P", "-m", "cli.main", "pg", *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    done = subprocess.run(
        argv, cwd=backed_up.folder, env=environ, check=False, capture_output=True, text=True, timeout=PATIENCE
    )

    assert done.returncode == 2
    assert done.stderr.startswith(code)
    assert not (backed_up.folder / "nowhere").exists()
