"""A deployment without the demo."""

from __future__ import annotations

import pytest
import typer

from cli import demo
from integrations.settings import Settings


async def test_without_the_county_the_command_says_so(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        await demo.describe(settings)

    assert caught.value.exit_code == 2
    assert "NO_DEMO" in capsys.readouterr().err
