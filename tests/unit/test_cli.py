"""The command line as a whole: every command is there, and only the one that is called is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli.main import COMMANDS, build


def test_help_names_every_command() -> None:
    said = CliRunner().invoke(build([]), ["--help"], terminal_width=200)

    assert said.exit_code == 0
    for name in COMMANDS:
        assert f" {name} " in said.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    said = CliRunner().invoke(build([name]), [name, "--help"])

    assert said.exit_code == 0, said.output
    assert f"Usage: root {name}" in said.output


def test_help_imports_no_command() -> None:
    code = "import sys; from cli.main import build; build(['--help']); print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "cli.main" in loaded
    assert not {module for module, _ in COMMANDS.values()} & set(loaded)
    assert not {"sqlalchemy", "strawberry", "numpy"} & set(loaded)


def test_an_unknown_command_is_refused_with_2() -> None:
    assert CliRunner().invoke(build(["upp"]), ["upp"]).exit_code == 2
