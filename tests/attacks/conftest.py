"""One target for all attacks: a production profile with a database of its own, for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.settings import Settings
from tests.attacks.target import Target
from tests.factories.database import Databases
from tests.factories.ingest import plain_logs, settings_for


@pytest.fixture(scope="session")
def target(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The application in the production profile."""
    folder: Path = tmp_path_factory.mktemp("target")
    with databases.new() as url, plain_logs():
        settings: Settings = settings_for(url, folder, ZHIAN_PROFILE="production", ZHIAN_PORT="0")
        with Target(settings) as made:
            yield made
