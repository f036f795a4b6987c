"""Databases for tests: clones of the migrated template, one per test."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from integrations.embedded.postgres import LOGIN
from tests.factories.servers import TEMPLATE, Servers


def at(url: str, database: str) -> str:
    """``url`` with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


class Databases:
    """Makes and drops databases over one connection, on a loop of its own: tests of any kind may use it."""

    def __init__(self, servers: Servers, worker: str) -> None:
        self._servers = servers
        self._worker = worker
        self._numbers = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(asyncpg.connect(servers.superuser_url))

    @contextmanager
    def new(self, template: str = TEMPLATE) -> Iterator[str]:
        """The login's URL of a new database, a copy of ``template`` ("template1" = empty); dropped at the end."""
        name = f"t_{self._worker}_{next(self._numbers)}"
        strategy = self._servers.strategy
        self._run(f"create database {name} owner {LOGIN} template {template} strategy {strategy}")
        try:
            yield at(self._servers.login_url, name)
        finally:
            self._run(f"drop database {name} with (force)")

    def close(self) -> None:
        """Give the connection back."""
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()

    def _run(self, statement: str) -> None:
        self._loop.run_until_complete(self._connection.execute(statement))
