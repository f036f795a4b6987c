"""Set-based statements: a batch goes to the database as one array per column, in one round trip.

They run on the driver's own connection: per batch and statement that saves about as much time as the statement takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

Columns = Sequence[tuple[str, str]]
"""Names and PostgreSQL types of a batch's columns."""


def names(columns: Columns) -> str:
    """The column names, for a column list."""
    return ", ".join(name for name, _ in columns)


def arrays(columns: Columns, *, after: int = 0) -> str:
    """The array parameters of ``columns`` for ``unnest``, numbered behind ``after``."""
    return ", ".join(f"${number}::{kind}[]" for number, (_, kind) in enumerate(columns, after + 1))


def transposed(columns: Columns, rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """One list per column; ``rows`` hold values in the order of ``columns``."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in columns]


def among(column: InstrumentedAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether ``column`` is one of ``values``, however many: one array. ``in_`` binds each, and may bind 32,767."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def _driver(connection: AsyncConnection) -> Any:
    assert connection.sync_connection is not None  # noqa: S101 - it is open: a transaction runs on it
    return connection.sync_connection.connection.driver_connection


async def run(connection: AsyncConnection, statement: str, *parameters: Any) -> Any:
    """Run ``statement`` in the connection's open transaction; the first value of its first row, if any."""
    return await _driver(connection).fetchval(statement, *parameters)


async def fetch(connection: AsyncConnection, statement: str, *parameters: Any) -> list[Any]:
    """The rows of ``statement``, as the driver makes them: columns by name, JSON as text."""
    rows: list[Any] = await _driver(connection).fetch(statement, *parameters)
    return rows


async def command(connection: AsyncConnection, statement: str) -> None:
    """Run a statement without parameters or rows, such as a savepoint."""
    await _driver(connection).execute(statement)
