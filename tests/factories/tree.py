"""A real ``zhian up`` for tests: started, watched through ``run.json``, killed in parts, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from cli.running import RunState, read_state
from tests.factories.children import alive
from tests.factories.patience import PATIENCE
from tests.factories.ports import free_port

START_SECONDS = 180.0


class UpTree:
    """``zhian up`` on ``data_dir``. arguments: further options. environ: further environment. program: its module.

    What it says is in ``data_dir``.out. Use as a context: left running at the end, it is killed with all it started.
    """

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = ("cli.main",),
    ) -> None:
        self.data_dir = data_dir
        self.port, self.mqtt_port = free_port(), free_port()
        self.output = data_dir.with_suffix(".out")
        command = [sys.executable, "-P", "-m", *program, "up", "--data-dir", str(data_dir)]
        ports = ["--port", str(self.port), "--mqtt-port", str(self.mqtt_port)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *ports, *arguments], env=inherited | dict(environ or {}), stdout=output, stderr=output
            )

    def __enter__(self) -> UpTree:
        return self

    def __exit__(self, *_: object) -> None:
        pids = self.pids()
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not any(alive(pid) for pid in pids), "children to end with their supervisor")

    def state(self) -> RunState:
        """What ``run.json`` says now; fails when there is none."""
        state = read_state(self.data_dir)
        assert state is not None, self.output.read_text()
        return state

    def pids(self) -> list[int]:
        """Process ids of the children that run now."""
        state = read_state(self.data_dir)
        return [child.pid for child in state.children.values()] if state else []

    def wait_ready(self) -> UpTree:
        """Return when the URLs are printed, which is when everything is ready."""
        wait_until(lambda: "Ctrl-C" in self._printed(), "the URLs", START_SECONDS)
        return self

    def kill(self, name: str) -> int:
        """SIGKILL one child; its process id."""
        pid = self.state().children[name].pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_again(self, name: str, killed: int) -> None:
        """Return when another process than ``killed`` is ready in the place of ``name``."""

        def again() -> bool:
            child = self.state().children.get(name)
            return child is not None and child.pid != killed and child.ready

        wait_until(again, f"{name} to be started again")

    def answers(self, path: str = "/readyz") -> int:
        """Status of GET ``path``; 0 when nothing answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()

    def stop(self, sig: signal.Signals = signal.SIGINT) -> int:
        """Stop it as a person would; the exit status."""
        self.process.send_signal(sig)
        return self.process.wait(START_SECONDS)

    def _printed(self) -> str:
        assert self.process.poll() is None, self.output.read_text()
        return self.output.read_text()


def wait_until(met: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for something other processes do; AssertionError naming ``what`` when it takes longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.02)
