"""How long, and with which seed, the faults run."""

from __future__ import annotations

import pytest


@pytest.fixture
def fault_seconds(pytestconfig: pytest.Config) -> float:
    """``--fault-seconds``."""
    return float(pytestconfig.getoption("--fault-seconds"))


@pytest.fixture
def fault_seed(pytestconfig: pytest.Config) -> int:
    """``--fault-seed``."""
    return int(pytestconfig.getoption("--fault-seed"))


@pytest.fixture
def kill_every(pytestconfig: pytest.Config) -> int:
    """``--kill-every``."""
    return int(pytestconfig.getoption("--kill-every"))
