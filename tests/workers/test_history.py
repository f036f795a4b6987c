"""History ends: months, what stands beside them, logs, sign-ins; each with rows on both sides of its line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.actor import NOTHING
from domain.kernel.uow import Database, transaction
from tests.workers.kit import SYSTEM, HandClock, seed_account, seed_estate
from workers.schedule import Schedule

AREA = "1, 2, 3, 4"


async def months_of(superuser: asyncpg.Connection, table: str) -> set[str]:
    rows = await superuser.fetch(
        "select right(inhrelid::regclass::text, 6) as month from pg_inherits where inhparent = $1::text::regclass",
        table,
    )
    return {row["month"] for row in rows if row["month"].isdigit()}


async def put_event(superuser: asyncpg.Connection, row_id: int, at: datetime) -> None:
    await superuser.execute(
        f"""insert into event (county_id, town_id, community_id, compound_id, id, at, device_id, kind, received_at,
              attributes) values ({AREA}, $1, $2, 1, 'passage', $2, '{{}}')""",
        row_id,
        at,
    )


async def put_sighting(superuser: asyncpg.Connection, row_id: int, at: datetime) -> None:
    await superuser.execute(
        f"""insert into sighting (county_id, town_id, community_id, compound_id, id, at, subject_kind, subject,
              subject_index, device_id, event_id) values ({AREA}, $1, $2, 'plate', '', '', 1, 1)""",
        row_id,
        at,
    )


async def ids(superuser: asyncpg.Connection, table: str) -> list[int]:
    return [row["id"] for row in await superuser.fetch(f"select id from {table} order by id")]


async def test_events_and_sightings_go_by_whole_months_each_at_its_own_time(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await schedule.run_due()  # makes 2030-04 to 2030-08
    for number, day in ((1, datetime(2030, 4, 1, tzinfo=UTC)), (2, datetime(2030, 5, 1, tzinfo=UTC))):
        await put_event(superuser, number, day)
        await put_sighting(superuser, number, day)

    clock.now = datetime(2030, 7, 29, 23, tzinfo=UTC)  # 89 days after the end of April
    await schedule.run_due()
    assert await ids(superuser, "sighting") == [1, 2]
    clock.now = datetime(2030, 7, 30, 23, tzinfo=UTC)
    changed = await schedule.run_due()
    assert changed["sightings.drop"] == 1
    assert (await ids(superuser, "sighting"), await ids(superuser, "event")) == ([2], [1, 2])
    assert "203004" not in await months_of(superuser, "sighting")

    clock.now = datetime(2031, 6, 5, tzinfo=UTC)  # 400 days after the end of April
    changed = await schedule.run_due()
    assert changed["events.drop"] == 1
    assert (await ids(superuser, "sighting"), await ids(superuser, "event")) == ([], [2])
    assert min(await months_of(superuser, "event")) == "203005"


async def test_what_comes_too_late_for_its_month_is_deleted_by_its_age(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await schedule.run_due()  # drops the months of the past, so that these stand in no month
    for number, ago in ((1, timedelta(days=400, seconds=1)), (2, timedelta(days=400))):
        await put_event(superuser, number, clock.now - ago)
    for number, ago in ((1, timedelta(days=90, seconds=1)), (2, timedelta(days=90))):
        await put_sighting(superuser, number, clock.now - ago)
    for number, ago in ((1, timedelta(days=36)), (2, timedelta(days=29))):
        await superuser.execute(
            f"""insert into raw_message (county_id, town_id, community_id, compound_id, id, received_at, device_id,
                  channel, content_type, body) values ({AREA}, $1, $2, 1, 'http', '', '')""",
            number,
            clock.now - ago,
        )
    assert await superuser.fetchval("select count(*) from event_pdefault") == 2

    changed = await again(schedule, "events.purge", "sightings.purge", "raw_messages.purge")

    assert changed == [1, 1, 1]
    assert [await ids(superuser, table) for table in ("event", "sighting", "raw_message")] == [[2], [2], [2]]


async def again(schedule: Schedule, *names: str) -> list[int]:
    """What the named steps change when they run now, due or not."""
    fresh = Schedule(schedule.database, [step for step in schedule.steps if step.name in names])
    changed = await fresh.run_due()
    return [changed[name] for name in names]


async def test_quarantine_goes_with_raw_messages_and_changes_of_alerts_with_events(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await seed_estate(superuser)
    second = timedelta(seconds=1)
    for reason, ago in (("old", timedelta(days=30) + second), ("kept", timedelta(days=30))):
        await superuser.execute(
            f"""insert into quarantined (county_id, town_id, community_id, compound_id, device_id, raw_id, received_at,
                  reason, detail) values ({AREA}, 1, 1, $1, $2, '')""",
            clock.now - ago,
            reason,
        )
    for change, ago in (("raised", timedelta(days=400) + second), ("cleared", timedelta(days=400))):
        await superuser.execute(
            f"""insert into alert_change (county_id, town_id, community_id, compound_id, alert_id, change, at, snapshot)
                values ({AREA}, 1, $1, $2, '{{}}')""",
            change,
            clock.now - ago,
        )

    changed = await schedule.run_due()

    assert [changed[name] for name in ("quarantined.purge", "alert_changes.purge")] == [1, 1]
    assert await superuser.fetchval("select string_agg(reason, ',') from quarantined") == "kept"
    assert await superuser.fetchval("select string_agg(change, ',') from alert_change") == "cleared"


@pytest.mark.parametrize("call", ["drop_partitions_before('alert', current_date)", "purge_before('device', now(), 9)"])
async def test_the_owners_functions_touch_no_other_table(database: Database, call: str) -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        with pytest.raises(DBAPIError, match="not a table"):
            await uow.session.execute(text(f"select zhian_{call}"))
        await uow.session.rollback()


async def test_the_owner_sees_only_what_is_older_than_the_line_it_names(
    owner_engine: AsyncEngine, superuser: asyncpg.Connection
) -> None:
    await superuser.execute(
        f"""insert into quarantined (county_id, town_id, community_id, compound_id, device_id, raw_id, received_at,
              reason, detail) select {AREA}, 1, 1, now() - n * interval '1 day', 'x', '' from generate_series(1, 3) n"""
    )
    seen = []
    for line in ("", "now() - interval '36 hours'"):
        async with transaction(owner_engine, NOTHING) as connection:
            if line:
                await connection.execute(text(f"select set_config('app.purge_before', ({line})::text, true)"))
            seen.append((await connection.execute(text("select count(*) from quarantined"))).scalar_one())

    assert seen == [0, 2]


async def test_sign_ins_go_30_days_after_their_end_with_their_tokens_and_old_links_of_those_that_go_on(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await seed_account(superuser, 1)
    line, second, far = clock.now - timedelta(days=30), timedelta(seconds=1), clock.now + timedelta(days=30)
    sessions = {1: (line - second, far), 2: (line, far), 3: (None, line - second), 4: (None, far)}
    for number, (ended, expires) in sessions.items():
        await superuser.execute(
            """insert into session (id, account_id, created_at, ended_at, expires_at) overriding system value
               values ($1, 1, $2, $3, $4)""",
            number,
            line,
            ended,
            expires,
        )
    for session, link, created in (
        (4, b"idle", line),
        (1, b"a", clock.now),
        (3, b"b", clock.now),
        (4, b"c", line + second),
    ):
        await superuser.execute(
            "insert into refresh_token (session_id, token_hash, created_at) values ($1, $2, $3)", session, link, created
        )

    changed = await schedule.run_due()

    assert [changed[name] for name in ("sessions.forget", "refresh_tokens.forget")] == [2, 1]
    assert await ids(superuser, "session") == [2, 4]
    assert await superuser.fetchval("select string_agg(token_hash, ',') from refresh_token") == b"c"


async def test_alerts_go_three_years_after_they_were_cleared_and_open_ones_never(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await seed_estate(superuser)
    await seed_account(superuser, 1)
    line, second = clock.now - timedelta(days=1095), timedelta(seconds=1)
    for number, cleared in enumerate((line - second, line, None), 1):
        await superuser.execute(
            f"""insert into alert (county_id, town_id, community_id, compound_id, id, source, kind, severity, audience,
                  explanation, raised_at, updated_at, cleared_at) overriding system value
                values ({AREA}, $1, $2, 'smoke', 4, '[]', '{{}}', $3, $3, $4)""",
            number,
            f"device:{number}",
            line - 400 * timedelta(days=1),
            cleared,
        )
        await superuser.execute(
            f"""insert into notification (county_id, town_id, community_id, compound_id, id, alert_id, account_id,
                  cause, created_at) overriding system value values ({AREA}, $1, $1, 1, 'raised', $2)""",
            number,
            line - second if number == 1 else line,
        )

    changed = await schedule.run_due()

    assert (changed["alerts.purge"], changed["notifications.purge"]) == (1, 1)
    assert await ids(superuser, "alert") == [2, 3]
    assert await ids(superuser, "notification") == [2, 3]


async def test_a_rule_judged_again_goes_after_a_week_and_one_given_up_stays(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    week, second = clock.now - timedelta(days=7), timedelta(seconds=1)
    for number, done in enumerate((week - second, week, None), 1):
        await superuser.execute(
            """insert into rule_retry (id, rule, compound_id, event_id, event_at, attempts, error, done_at)
               overriding system value values ($1, 'smoke', 4, $1, $2, 10, '', $3)""",
            number,
            week,
            done,
        )

    assert (await schedule.run_due())["rule_retries.forget"] == 1
    assert await ids(superuser, "rule_retry") == [2, 3]


async def test_a_drop_does_not_wait_behind_a_long_read_with_everybody_in_line_behind_it(
    database: Database, superuser: asyncpg.Connection
) -> None:
    async with superuser.transaction():
        await superuser.fetch("select count(*) from event")
        async with database.unit_of_work(SYSTEM) as uow:
            with pytest.raises(DBAPIError, match="lock timeout"):
                await uow.session.execute(text("select zhian_drop_partitions_before('event', current_date)"))
            await uow.session.rollback()
    assert await superuser.fetchval("select count(*) from pg_inherits where inhparent = 'event'::regclass") == 18
