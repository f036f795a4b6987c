"""The process tree: order, restarts, stopping, and what is said about it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cli.supervisor import FIRST_TRIES, Child, ChildFailed, Supervisor
from tests.factories.children import alive, script
from tests.factories.patience import PATIENCE

SLEEP = "import time; time.sleep(600)"
NOTE_THE_STOP = """
import signal, sys, time
def stop(*_):
    open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
open(sys.argv[1] + "." + sys.argv[2], "w").close()
time.sleep(600)
"""
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    open(sys.argv[1] + ".new", "w").write(str(os.getpid()))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""


class Tree:
    """A supervisor with what it said and a way to wait for a change."""

    def __init__(self, folder: Path) -> None:
        self.said: list[tuple[str, str]] = []
        self._changes = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self.supervisor = Supervisor(folder, say=lambda *line: self.said.append(line), changed=self._changed)

    def _changed(self) -> None:
        task = asyncio.create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._changes:
            self._changes.notify_all()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changes:
            await self._changes.wait_for(met)


@pytest.fixture
async def tree(tmp_path: Path) -> AsyncIterator[Tree]:
    made = Tree(tmp_path / "logs")
    yield made
    made.supervisor.hurry()
    await made.supervisor.stop()


async def test_a_killed_child_is_started_again(tree: Tree) -> None:
    await tree.supervisor.keep(Child("one", lambda: script(SLEEP)))
    first = tree.supervisor.states()["one"]

    os.kill(first.pid, signal.SIGKILL)

    await tree.until(lambda: "one" in (now := tree.supervisor.states()) and now["one"].pid != first.pid)
    second = tree.supervisor.states()["one"]
    assert (first.restarts, second.restarts) == (0, 1)
    assert alive(second.pid)
    assert ("one", "ended (-9); starting again in 0.2 s") in tree.said


async def test_the_pause_before_another_start_doubles(tree: Tree) -> None:
    await tree.supervisor.keep(Child("brief", lambda: script("")))

    await tree.until(lambda: sum(name == "brief" for name, _ in tree.said) >= 3)

    pauses = [line.rsplit(" in ")[1] for name, line in tree.said if name == "brief"][:3]
    assert pauses == ["0.2 s", "0.4 s", "0.8 s"]


async def test_children_stop_in_reverse_order(tree: Tree, tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        await tree.supervisor.keep(
            Child(
                name,
                lambda name=name: script(NOTE_THE_STOP, tmp_path / "stops", name),
                ready=lambda _, name=name: (tmp_path / f"stops.{name}").exists(),
            )
        )
    pids = [state.pid for state in tree.supervisor.states().values()]

    await tree.supervisor.stop()

    assert (tmp_path / "stops").read_text().split() == ["third", "second", "first"]
    assert not any(alive(pid) for pid in pids)


async def test_a_child_that_will_not_stop_is_killed_with_its_own_children(tree: Tree, tmp_path: Path) -> None:
    mark = tmp_path / "grandchild"
    child = Child("stubborn", lambda: script(STUBBORN, mark, stop_seconds=0.2), ready=lambda _: mark.exists())
    await tree.supervisor.keep(child)
    pids = [tree.supervisor.states()["stubborn"].pid, int(mark.read_text())]
    assert all(alive(pid) for pid in pids)

    await tree.supervisor.stop()

    assert not any(alive(pid) for pid in pids)


async def test_hurry_does_not_wait_for_a_slow_child(tree: Tree, tmp_path: Path) -> None:
    mark = tmp_path / "grandchild"
    child = Child("stubborn", lambda: script(STUBBORN, mark, stop_seconds=600), ready=lambda _: mark.exists())
    await tree.supervisor.keep(child)
    pid = tree.supervisor.states()["stubborn"].pid

    stopping = asyncio.create_task(tree.supervisor.stop())
    await asyncio.sleep(0)
    tree.supervisor.hurry()
    async with asyncio.timeout(PATIENCE):
        await stopping

    assert not alive(pid)


async def test_a_child_that_always_ends_fails_the_start_with_its_output(tree: Tree) -> None:
    child = Child("broken", lambda: script("raise SystemExit('no such table')"), ready=lambda _: False)

    with pytest.raises(ChildFailed, match="no such table") as caught:
        await tree.supervisor.keep(child)

    assert caught.value.name == "broken"
    assert str(FIRST_TRIES) in str(caught.value)
    assert tree.supervisor.states() == {}


async def test_a_child_that_never_answers_fails_the_start(tree: Tree) -> None:
    child = Child("mute", lambda: script(SLEEP), ready=lambda _: False, start_seconds=0.2)

    with pytest.raises(ChildFailed, match="was not ready within"):
        await tree.supervisor.keep(child)


async def test_a_step_runs_to_its_end(tree: Tree) -> None:
    await tree.supervisor.run("step", script("print('done it')"))

    assert tree.said == [("step", "done it")]
    assert tree.supervisor.states() == {}


async def test_a_failed_step_tells_why(tree: Tree) -> None:
    with pytest.raises(ChildFailed, match=r"(?s)ended with 3.*because"):
        await tree.supervisor.run("step", script("import sys; print('because'); sys.exit(3)"))


async def test_a_quiet_child_speaks_to_its_log_only(tree: Tree, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "quiet.log"
    child = Child(
        "quiet",
        lambda: script("import time; print('psst'); time.sleep(600)"),
        ready=lambda _: log.read_text() == "psst\n",
        quiet=True,
    )

    await tree.supervisor.keep(child)

    assert tree.said == []
