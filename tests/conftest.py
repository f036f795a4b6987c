"""Fixtures every test may use: a database of its own, engines by role, a Valkey database, and no network."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import hypothesis
import pytest
import redis
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel import uow
from domain.kernel.uow import Database
from integrations import spending, valkey
from integrations.postgres import APP_ROLE, OWNER_ROLE, create_engine
from tests.factories.database import Databases, at
from tests.factories.furnished import Furnished, furnish
from tests.factories.patience import PATIENCE
from tests.factories.servers import RUN_VARIABLE, TEMPLATE, Owner, Servers, ask

OWNER = pytest.StashKey[Owner]()
MOST_WORKERS = 6

# Containers often forbid byte code to be kept. Then every worker rewrites each test's assertions anew, and each of the
# processes that the tests start compiles the product: four seconds a worker, a fifth of each start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same examples in every run, and no example is too slow: a run says the same of a change on every machine.
# ``--hypothesis-profile random`` draws others, ``--hypothesis-seed`` with it says which.
UNHURRIED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("random", UNHURRIED, print_blob=True)
hypothesis.settings.register_profile("same", UNHURRIED, derandomize=True, database=None)
hypothesis.settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Longer or other runs of the fault harness and of the mutants of the matrix (``tests/api/matrix``)."""
    parser.addoption("--fault-seconds", type=float, default=32.0, help="how long the fault harness breaks things")
    parser.addoption("--fault-seed", type=int, default=1, help="which faults, and which load")
    parser.addoption("--kill-every", type=int, default=5, help="of the places where processes die, each how many-th")
    parser.addoption("--matrix-mutants", default="8", help="how many checks are taken away, one at a time, or all")
    parser.addoption("--matrix-seed", type=int, default=1, help="which of them")


def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: tests that wait for processes, locks and times leave theirs idle."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors + 1, MOST_WORKERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker begins one when the others have nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("fault") is None)


def pytest_configure(config: pytest.Config) -> None:
    """The process started as ``pytest`` owns the servers; its xdist workers find them by the environment."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        os.environ.pop(RUN_VARIABLE, None)
        config.stash[OWNER] = Owner()
        config.stash[OWNER].open()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, whatever the run came to."""
    owner = config.stash.get(OWNER, None)
    if owner is not None:
        owner.close()


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a network: connecting anywhere but loopback or a Unix socket fails."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(real: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                host = str(address[0]).split("%")[0]
                if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                    raise AssertionError(f"a test tried to reach {address!r}")
            return real(self, address)

        return call

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))


@pytest.fixture(autouse=True)
def patient_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product waits for its servers as long as a test does: a stalled machine looks like no server otherwise.

    What happens when it has waited long enough is for the tests that set these times.
    """
    for module in (uow, valkey, spending):
        monkeypatch.setattr(module, "ANSWER_SECONDS", PATIENCE)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder for data directories: root's servers run as another account, which cannot enter pytest's own."""
    with tempfile.TemporaryDirectory(prefix="zhian-data-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The run's PostgreSQL and Valkey."""
    return ask()


@pytest.fixture(scope="session")
def databases(servers: Servers, worker_id: str) -> Iterator[Databases]:
    """Makes databases; most tests take ``database_url``."""
    made = Databases(servers, worker_id)
    yield made
    made.close()


@pytest.fixture(scope="session")
def four_compounds(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """What databases of tests with a ``world`` are clones of."""
    with furnish(databases, tmp_path_factory.mktemp("four") / "keys", "a111", "a112", "a211", "b111") as made:
        yield made


@pytest.fixture(scope="session")
def two_compounds(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """What databases of tests with an ``ingest`` are clones of."""
    with furnish(databases, tmp_path_factory.mktemp("two") / "keys", "a111", "a112") as made:
        yield made


@pytest.fixture
def furnished(request: pytest.FixtureRequest) -> Furnished | None:
    """What this test's database is a clone of; None = an empty one."""
    for name in ("four_compounds", "two_compounds"):
        if name in request.fixturenames:
            found: Furnished = request.getfixturevalue(name)
            return found
    return None


@pytest.fixture
def database_url(databases: Databases, furnished: Furnished | None) -> Iterator[str]:
    """``postgresql://…`` of a migrated database of this test's own."""
    with databases.new(furnished.template if furnished else TEMPLATE) as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """``postgresql://…`` of an empty database, for tests of migrations."""
    with databases.new("template1") as url:
        yield url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Engine as the API and the workers have it: AUTOCOMMIT, role zhian_app."""
    made = create_engine(database_url, role=APP_ROLE)
    yield made
    await made.dispose()


@pytest.fixture
async def owner_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Engine of the role that owns the tables; row-level security is forced on it too."""
    made = create_engine(database_url, role=OWNER_ROLE, pool_size=2)
    yield made
    await made.dispose()


@pytest.fixture
def database(engine: AsyncEngine) -> Database:
    """Opens units of work and readers on ``engine``; wakes nobody."""
    return Database(engine)


@pytest.fixture
async def superuser(servers: Servers, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees every row, to assert what is stored."""
    name = urlsplit(database_url).path.strip("/")
    connection = await asyncpg.connect(at(servers.superuser_url, name))
    yield connection
    await connection.close()


@pytest.fixture
def redis_url(servers: Servers, worker_id: str) -> str:
    """``unix://…`` of an empty Valkey database that no other worker uses."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    url = servers.redis_url.replace("db=0", f"db={number}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url
