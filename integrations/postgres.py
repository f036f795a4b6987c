"""PostgreSQL: engines, and the start-up check that refuses a database which may forget what it acknowledged."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

APP_ROLE = "zhian_app"
OWNER_ROLE = "zhian_owner"
AUDITOR_ROLE = "zhian_auditor"

DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


class UnsafeDatabase(RuntimeError):
    """The server may lose commits it has acknowledged (CODE: UNSAFE_DATABASE)."""


class RestoredDatabase(RuntimeError):
    """The database has come from another server, and cursors of before are still believed (CODE: RESTORED_DATABASE)."""


def _dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def create_engine(
    url: str,
    *,
    role: str | None = APP_ROLE,
    pool_size: int = 10,
    application: str = "zhian",
    generic_plans: bool = False,
) -> AsyncEngine:
    """An engine whose connections act as ``role`` and begin nothing by themselves (AUTOCOMMIT).

    Transactions are opened by ``domain.kernel.uow.transaction`` only. ``url``: ``postgresql://…``, any driver suffix.
    ``generic_plans``: plan a statement once per connection and not once per call; for few statements run very often.
    """
    server_settings = {"application_name": application, "timezone": "UTC", "jit": "off"}
    if generic_plans:
        server_settings["plan_cache_mode"] = "force_generic_plan"
    if role is not None:
        server_settings["role"] = role
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # an error in the log names no person, card or secret
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={"server_settings": server_settings, "timeout": 10, "command_timeout": 60},
    )


async def refuse_unsafe(engine: AsyncEngine) -> None:
    """Raise UnsafeDatabase unless every durability setting is on."""
    async with engine.connect() as connection:
        for name in DURABLE:
            value = (await connection.execute(text("select current_setting(:n)"), {"n": name})).scalar_one()
            if value not in ("on", "remote_apply", "remote_write"):
                raise UnsafeDatabase(f"UNSAFE_DATABASE: {name} is {value}; acknowledged events could be lost")


async def refuse_restored(engine: AsyncEngine) -> None:
    """Raise RestoredDatabase when the database was loaded on another server and not migrated there."""
    async with engine.connect() as connection:
        if (await connection.execute(text("select to_regclass('log_epoch') is null"))).scalar_one():
            return  # no schema yet, or an older one
        moved = text("select exists (select from log_epoch where server <> zhian_server() and zhian_server() <> '')")
        if (await connection.execute(moved)).scalar_one():
            raise RestoredDatabase(
                "RESTORED_DATABASE: it was loaded on another server; run `zhian migrate` on it first"
            )
