"""Run migrations from Python: prepare the server once (roles, extensions), then alembic as the owner role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

HERE = Path(__file__).parent

PREPARE = (
    """
    do $$
    declare name text;
    begin
      perform pg_advisory_xact_lock(7418001);
      foreach name in array array['zhian_owner', 'zhian_app', 'zhian_auditor'] loop
        if not exists (select from pg_roles where rolname = name) then
          execute format('create role %I nologin', name);
        end if;
        if not pg_has_role(current_user, name, 'SET') then
          execute format('grant %I to %I', name, current_user);
        end if;
      end loop;
    end $$
    """,
    "create extension if not exists ltree",
    "create extension if not exists btree_gist",
    "create extension if not exists vector",
    "grant create, usage on schema public to zhian_owner",
    "grant usage on schema public to zhian_app, zhian_auditor",
)


def _engine(url: str) -> AsyncEngine:
    return create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    return config


async def upgrade(url: str, revision: str = "head", *, restored: bool = False) -> bool:
    """Prepare the database behind ``url`` and bring it to ``revision``.

    ``url``: a login that may create roles and extensions, or a database where both are already there. ``restored``: it
    was put back from a backup, which is also found by itself when it came to another server. Then cursors of live
    feeds from before end; true when they did.
    """

    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    engine = _engine(url)
    try:
        async with engine.begin() as connection:
            for statement in PREPARE:
                await connection.execute(text(statement))
            await connection.execute(text("set local role zhian_owner"))
            await connection.run_sync(run)
            if (await connection.execute(text("select to_regclass('log_epoch') is null"))).scalar_one():
                return False  # a revision before there were epochs
            begun = await connection.execute(text("select zhian_begin_epoch(:restored)"), {"restored": restored})
            return bool(begun.scalar_one())
    finally:
        await engine.dispose()


async def check(url: str) -> list[Any]:
    """What the models have and the migrated database has not (or the other way round); empty = in step."""

    def run(connection: Connection) -> list[Any]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        from migrations.env import include_object, metadata

        context = MigrationContext.configure(connection, opts={"include_object": include_object})
        return list(compare_metadata(context, metadata))

    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(run)
    finally:
        await engine.dispose()


async def current(url: str) -> str | None:
    """The revision the database is at, or None when it has none."""

    def run(connection: Connection) -> str | None:
        from alembic.migration import MigrationContext

        return MigrationContext.configure(connection).get_current_revision()

    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(run)
    finally:
        await engine.dispose()


def head() -> str | None:
    """The newest revision in this code."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head()
