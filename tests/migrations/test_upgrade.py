"""Migrations on an empty database: in one go, step by step, twice, and in step with the models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from migrations import run
from tests.factories.database import at
from tests.factories.servers import Servers

PARTITIONED = ("event", "raw_message", "sighting")
SHAPE = """
select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
where table_schema = 'public' and table_name !~ '_p[0-9]{6}$' order by 1, 2
"""
POLICIES = "select tablename, policyname, cmd, roles::text, qual, with_check from pg_policies order by 1, 2"
INDEXES = "select indexdef from pg_indexes where schemaname = 'public' and tablename !~ '_p[0-9]{6}$' order by 1"


def revisions() -> list[str]:
    """Every revision, oldest first."""
    script = ScriptDirectory.from_config(run._config())
    return [revision.revision for revision in script.walk_revisions()][::-1]


async def shape(url: str) -> list[Any]:
    """Columns, indexes and policies of a database."""
    connection = await asyncpg.connect(url)
    try:
        return [[tuple(row) for row in await connection.fetch(query)] for query in (SHAPE, INDEXES, POLICIES)]
    finally:
        await connection.close()


@pytest.fixture
def second_url(databases: Any) -> Iterator[str]:
    with databases.new("template1") as url:
        yield url


def test_there_is_one_line_of_revisions() -> None:
    found = revisions()
    assert found == sorted(found)
    assert len(found) == len(set(found))
    assert run.head() == found[-1]


async def test_the_steps_lead_where_one_go_leads(empty_database_url: str, second_url: str) -> None:
    assert await run.current(empty_database_url) is None
    for revision in revisions():
        await run.upgrade(empty_database_url, revision)
        assert await run.current(empty_database_url) == revision
    await run.upgrade(second_url)
    assert await run.current(second_url) == run.head()
    assert await shape(empty_database_url) == await shape(second_url)


async def test_the_models_and_the_migrated_database_are_in_step(database_url: str) -> None:
    assert await run.check(database_url) == []


async def test_drift_is_noticed(database_url: str, superuser: asyncpg.Connection) -> None:
    await superuser.execute("alter table alert drop column note")
    await superuser.execute("drop index ix_picture_sha256")
    kinds = {change[0] for change in await run.check(database_url)}
    assert kinds == {"add_column", "add_index"}


async def test_upgrading_again_changes_nothing(database_url: str, superuser: asyncpg.Connection) -> None:
    await superuser.execute("insert into area (level, path, name, county_id) values ('county', '1', 'A', 1)")
    before = await shape(database_url)
    await run.upgrade(database_url)
    assert await shape(database_url) == before
    assert await superuser.fetchval("select count(*) from area") == 1


@pytest.mark.parametrize("before", ["0005", "0006"])
async def test_people_kept_in_clear_are_not_taken_over_without_a_word(empty_database_url: str, before: str) -> None:
    """Values sealed by one key for all, subjects in clear: only unreleased versions wrote such databases."""
    await run.upgrade(empty_database_url, before)
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("set role zhian_owner")
    await connection.execute("insert into account (phone_index, phone_sealed, name) values ('', '', '')")
    await connection.close()
    with pytest.raises(DBAPIError, match=r"SEALED_OTHERWISE.*start anew with another --data-dir"):
        await run.upgrade(empty_database_url)
    assert await run.current(empty_database_url) == before


async def test_partitions_reach_from_a_year_back_to_three_months_ahead(superuser: asyncpg.Connection) -> None:
    now = datetime.now(UTC)
    for parent in PARTITIONED:
        names = {
            row["name"]
            for row in await superuser.fetch(
                "select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::text::regclass", parent
            )
        }
        assert f"{parent}_pdefault" in names
        assert {f"{parent}_p{day:%Y%m}" for day in (now, now - timedelta(days=365), now + timedelta(days=80))} <= names
        assert len(names) == 18


async def test_where_all_is_prepared_a_plain_login_can_upgrade(empty_database_url: str, servers: Servers) -> None:
    """On a server of others an administrator makes the roles and extensions once."""
    name = urlsplit(empty_database_url).path.strip("/")
    admin = await asyncpg.connect(at(servers.superuser_url, name))
    plain = f"plain_{name}"
    try:
        for statement in run.PREPARE:
            await admin.execute(statement)
        await admin.execute(f"create role {plain} login password 'x' nosuperuser nocreaterole")
        await admin.execute(f"grant zhian_owner, zhian_app, zhian_auditor to {plain}")
        address = urlsplit(empty_database_url)
        await run.upgrade(address._replace(netloc=f"{plain}:x@{address.netloc.rpartition('@')[2]}").geturl())
        assert await run.check(empty_database_url) == []
    finally:
        await admin.execute(f"drop owned by {plain}")
        await admin.execute(f"drop role {plain}")
        await admin.close()


async def test_tables_belong_to_the_owner_whatever_login_migrated(superuser: asyncpg.Connection) -> None:
    owners = await superuser.fetch("select distinct tableowner from pg_tables where schemaname = 'public'")
    assert [row["tableowner"] for row in owners] == ["zhian_owner"]
