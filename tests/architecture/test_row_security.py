"""Row-level security in the catalogue of a migrated database: every tenant table forced, every right intended."""

from __future__ import annotations

import asyncpg
import pytest

# Tables without tenant columns, and what keeps one tenant from another's rows in them.
UNSCOPED = {
    "account": "found by a phone's blind index or by id; the API shows people through households and grants only",
    "audit_head": "where each chain ends: a number and a hash, no content; written by one function alone",
    "audit_signature": "the same, signed",
    "alembic_version": "the schema's version; the application has no right on it",
    "authenticator": "found by its account's id at sign-in, before there is a scope; the secret is sealed",
    "data_key": "wrapped by a key outside the database, needed before there is a scope; the owner alone rewrites it",
    "device_credential": "found by a secret's hash, before there is a scope",
    "enrolment_code": "found by its account's id, before the account has a scope; a keyed hash",
    "handled": "pairs of event id and handler, no content",
    "ingest_tally": "counts without content",
    "log_epoch": "which life of a log this is, no content",
    "number_move": "found by its account's id or the new phone's blind index; who asked, by id",
    "outbox_event": "read by the relay for all tenants; dead letters by county operators, through the scope of areas",
    "price_alert": "found by its account's id; goods and a price, nothing of a place",
    "price_index": "published by a ministry for everybody",
    "rate_limit": "found by a keyed hash of the subject",
    "reconciliation": "that a vendor's bill of a day was held against the ledger: counts and sums of the deployment",
    "recovery_code": "found by its account's id at sign-in, before there is a scope; a keyed hash",
    "refresh_token": "found by the token's hash, before there is a scope",
    "rule_retry": "ids of events, read by the sweeper alone",
    "sent_message": "found by key; address and text are sealed",
    "seen_nonce": "ids of signed messages, found by the id itself; no content",
    "session": "found by id out of a signed token, and by the account itself",
    "sign_in_code": "found by a phone's blind index; the code is hashed",
    "upload": "a picture that is of no place yet: found by id and by its sender's account, for a day",
    "trusted_document": "texts that apps are made with: of no tenant, about nobody",
}
TENANT_COLUMNS = {"county_id", "town_id", "community_id", "compound_id", "home_id"}
SCOPED_BY_OTHER_MEANS = {
    "outbox_event": "its compound_id says whom to wake",
    "rule_retry": "its compound_id is part of the event's key",
}
# History: the application adds rows and never changes or deletes them.
NEVER_REWRITTEN = {
    "event",
    "raw_message",
    "quarantined",
    "alert_change",
    "application_change",
    "inbox",
    "audit_entry",
    "ledger_entry",
    "payment_notice",
    "receipt",
    "area",
    "building",
    "home",
}

TABLES = """
select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced, c.relispartition as part,
       c.relkind::text as kind, pg_get_userbyid(c.relowner) as owner
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
"""
POLICIES = "select tablename, policyname, cmd, roles::text[] as roles, qual, with_check from pg_policies"
COLUMNS = "select table_name, column_name from information_schema.columns where table_schema = 'public'"
RIGHTS = """
select table_name, privilege_type from information_schema.role_table_grants
where table_schema = 'public' and grantee = $1
"""


async def tables(connection: asyncpg.Connection) -> dict[str, asyncpg.Record]:
    """Tables by name; partitions are reached through their parents and carry no rights of their own."""
    return {row["name"]: row for row in await connection.fetch(TABLES) if not row["part"]}


async def test_every_table_is_scoped_or_named_with_a_reason(superuser: asyncpg.Connection) -> None:
    found = await tables(superuser)
    scoped = {name for name, row in found.items() if row["enabled"]}
    assert found.keys() - scoped == UNSCOPED.keys()
    assert [name for name in scoped if not found[name]["forced"]] == []


async def test_every_scoped_table_has_its_policy_and_no_policy_lets_all_pass(superuser: asyncpg.Connection) -> None:
    policies = await superuser.fetch(POLICIES)
    scoped = {name for name, row in (await tables(superuser)).items() if row["enabled"]}
    assert {p["tablename"] for p in policies if p["policyname"] == "scope" and p["cmd"] == "ALL"} == scoped
    for policy in policies:
        for condition in (policy["qual"], policy["with_check"]):
            assert condition != "true", policy
        if "zhian_owner" not in policy["roles"]:
            assert "current_setting('app." in policy["qual"], policy


async def test_a_table_with_tenant_columns_is_scoped(superuser: asyncpg.Connection) -> None:
    scoped = {name for name, row in (await tables(superuser)).items() if row["enabled"]}
    partitions = {row["name"] for row in await superuser.fetch(TABLES) if row["part"]}
    tenant = {row["table_name"] for row in await superuser.fetch(COLUMNS) if row["column_name"] in TENANT_COLUMNS}
    assert tenant - scoped - partitions == SCOPED_BY_OTHER_MEANS.keys()


async def test_the_roles_own_nothing_and_pass_by_nothing(superuser: asyncpg.Connection) -> None:
    roles = {
        row["rolname"]: row
        for row in await superuser.fetch(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication"
            " from pg_roles where rolname like 'zhian_%'"
        )
    }
    assert {"zhian_owner", "zhian_app", "zhian_auditor"} <= roles.keys()
    for name in ("zhian_owner", "zhian_app", "zhian_auditor"):
        assert [flag for flag, held in roles[name].items() if held is True] == [], name
    found = await tables(superuser)
    assert {name for name, row in found.items() if row["owner"] != "zhian_owner"} == set()
    member_of = await superuser.fetch(
        "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid"
        " where m.member in ('zhian_app'::regrole, 'zhian_auditor'::regrole)"
    )
    assert member_of == []


async def test_what_is_history_cannot_be_rewritten_by_the_application(superuser: asyncpg.Connection) -> None:
    rights = {(r["table_name"], r["privilege_type"]) for r in await superuser.fetch(RIGHTS, "zhian_app")}
    assert {(t, r) for t, r in rights if t in NEVER_REWRITTEN and r in ("UPDATE", "DELETE", "TRUNCATE")} == set()
    assert {r for _, r in rights} <= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert ("alembic_version", "SELECT") not in rights


async def test_the_auditor_reads_and_does_no_more(superuser: asyncpg.Connection) -> None:
    rights = await superuser.fetch(RIGHTS, "zhian_auditor")
    assert {row["privilege_type"] for row in rights} == {"SELECT"}
    assert {row["table_name"] for row in rights} & UNSCOPED.keys() == set()


async def test_partitions_cannot_be_reached_past_their_parents(superuser: asyncpg.Connection) -> None:
    partitions = {row["name"] for row in await superuser.fetch(TABLES) if row["part"]}
    assert partitions
    for role in ("zhian_app", "zhian_auditor"):
        rights = {row["table_name"] for row in await superuser.fetch(RIGHTS, role)}
        assert rights & partitions == set()


async def test_functions_of_the_owner_are_closed_to_the_public(superuser: asyncpg.Connection) -> None:
    functions = await superuser.fetch(
        "select p.oid::regprocedure::text as name, p.proconfig::text as settings,"
        " has_function_privilege('zhian_auditor', p.oid, 'execute') as auditor"
        " from pg_proc p where p.prosecdef and p.pronamespace = 'public'::regnamespace"
    )
    assert len(functions) >= 4
    for function in functions:
        assert "search_path=public, pg_temp" in (function["settings"] or ""), function["name"]
        assert not function["auditor"], function["name"]


@pytest.mark.parametrize("setting", ["", "no setting"])
async def test_without_a_scope_there_are_no_rows(superuser: asyncpg.Connection, setting: str) -> None:
    await superuser.execute("insert into area (level, path, name, county_id) values ('county', '1', 'A', 1)")
    scoped = [name for name, row in (await tables(superuser)).items() if row["enabled"]]
    async with superuser.transaction():
        await superuser.execute("set local role zhian_app")
        if setting == "":
            await superuser.execute("set local app.counties = ''")
        for table in scoped:
            assert await superuser.fetchval(f"select count(*) from {table}") == 0, table
