"""Counts the statements that reach PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


class Statements:
    """The statements of one engine, as SQLAlchemy hands them to the driver (BEGIN and COMMIT are not among them)."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """A list that grows with every statement until the block ends; asking who a token is for is not counted."""
        seen: list[str] = []

        def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if "token_version" not in statement:  # asked again or remembered, as the second passes
                seen.append(statement)

        event.listen(self._engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(self._engine, "before_cursor_execute", note)
