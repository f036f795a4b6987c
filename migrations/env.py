"""Alembic environment: always runs on a connection handed over by ``migrations.run``."""

from __future__ import annotations

from typing import Any

from alembic import context

from migrations.tables import metadata


def include_object(obj: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """Partitions are made by a function in the database, not by the models."""
    table = name if type_ == "table" else getattr(getattr(obj, "table", None), "name", "") or ""
    return not any(str(table).startswith(f"{parent}_p") for parent in ("event", "sighting", "raw_message"))


def _run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise RuntimeError("run migrations through `zhian migrate`")
    context.configure(
        connection=connection, target_metadata=metadata, include_object=include_object, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()


if getattr(context, "_proxy", None) is not None:
    _run()
