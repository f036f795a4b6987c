"""Every scheduled step against rows on both sides of its line."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from domain.kernel.uow import Database
from domain.security.events.retention import fold_tally
from integrations.vision.pictures import LocalPictures
from tests.workers.kit import SYSTEM, HandClock, seed_estate
from workers.pictures import PictureFiles
from workers.schedule import Schedule

AREA = "1, 2, 3, 4"
SUMS = """select channel, sum(received)::int, sum(stored)::int, sum(duplicate)::int, sum(quarantined)::int,
          sum(late)::int from ingest_tally group by channel order by channel"""


def sha_of(name: str) -> str:
    return name.ljust(64, "0")


def put_file(files: PictureFiles, name: str, touched: datetime) -> Path:
    path = LocalPictures(files.root).path(sha_of(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"jpeg")
    os.utime(path, (touched.timestamp(), touched.timestamp()))
    return path


async def put_picture(superuser: asyncpg.Connection, event_id: int, sha: str, expires_at: datetime) -> None:
    await superuser.execute(
        f"""insert into picture (county_id, town_id, community_id, compound_id, event_id, ordinal, event_at, name,
              sha256, width, height, size, expires_at)
            values ({AREA}, $1, 0, now(), 'face', $2, 1, 1, 4, $3)""",
        event_id,
        sha_of(sha),
        expires_at,
    )


async def test_on_a_fresh_database_every_step_runs(schedule: Schedule) -> None:
    changed = await schedule.run_due()

    assert set(changed) == {step.name for step in schedule.steps}


async def test_partitions_are_made_ahead_and_raw_months_dropped_when_wholly_over(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    changed = await schedule.run_due()

    assert changed["partitions.ensure"] > 0
    for table in ("event", "sighting", "raw_message"):
        for month in ("203004", "203005", "203008"):
            assert await superuser.fetchval("select to_regclass($1) is not null", f"{table}_p{month}")
    clock.forward(days=55)  # 30 June: all of April is older than 30 days, May is not
    await schedule.run_due()
    left = await superuser.fetch(
        "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'raw_message'::regclass"
    )
    names = {row["name"] for row in left}
    assert "raw_message_p203004" not in names
    assert {"raw_message_p203005", "raw_message_p203006", "raw_message_pdefault"} <= names
    assert await superuser.fetchval("select to_regclass('event_p203004') is not null")


async def test_the_tally_folds_to_one_row_per_channel_and_the_same_sums(
    database: Database, superuser: asyncpg.Connection
) -> None:
    await superuser.execute(
        """insert into ingest_tally (channel, received, stored, duplicate, quarantined, late)
           select (array['http', 'mqtt'])[1 + i % 2], 3 * i, i, i, i, i % 3 from generate_series(1, 200) i"""
    )
    before = await superuser.fetch(SUMS)

    async with database.unit_of_work(SYSTEM) as uow:
        assert await fold_tally(uow, most=50) == 50
    assert await superuser.fetch(SUMS) == before
    assert await superuser.fetchval("select count(*) from ingest_tally") == 152
    async with database.unit_of_work(SYSTEM) as uow:
        assert await fold_tally(uow, most=5000) == 152
        assert await fold_tally(uow, most=5000) == 0

    assert await superuser.fetch(SUMS) == before
    assert await superuser.fetchval("select count(*) from ingest_tally") == 2


async def test_two_folds_at_once_keep_the_sums_at_every_moment(
    database: Database, superuser: asyncpg.Connection
) -> None:
    await superuser.execute(
        """insert into ingest_tally (channel, received, stored, duplicate, quarantined, late)
           select 'http', 1, 1, 0, 0, 0 from generate_series(1, 300)"""
    )

    async def other() -> int:
        async with database.unit_of_work(SYSTEM) as uow:
            return await fold_tally(uow, most=300)

    async with database.unit_of_work(SYSTEM) as uow:
        assert await fold_tally(uow, most=300) == 300
        second = asyncio.create_task(other())
        done, _ = await asyncio.wait({second}, timeout=0.2)
        assert not done
        assert await superuser.fetchval("select sum(received)::int from ingest_tally") == 300

    assert await second == 0
    assert [tuple(row) for row in await superuser.fetch(SUMS)] == [("http", 300, 300, 0, 0, 0)]


async def test_expired_pictures_go_with_their_files_unless_another_row_needs_them(
    schedule: Schedule, files: PictureFiles, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await seed_estate(superuser)
    over, kept, old = clock.now, clock.now + timedelta(seconds=1), clock.now - timedelta(hours=2)
    await put_picture(superuser, 1, "aa01", over)
    await put_picture(superuser, 2, "bb02", over)
    await put_picture(superuser, 3, "bb02", kept)
    await put_picture(superuser, 4, "cc03", over)
    gone, shared = put_file(files, "aa01", old), put_file(files, "bb02", old)
    coming_again = put_file(files, "cc03", clock.now)

    assert (await schedule.run_due())["pictures.expired"] == 3

    assert not gone.exists()
    assert shared.exists()
    assert coming_again.exists()
    assert [row["event_id"] for row in await superuser.fetch("select event_id from picture")] == [3]


async def test_files_a_crash_left_behind_are_found_by_the_walk(
    schedule: Schedule, files: PictureFiles, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await seed_estate(superuser)
    old = clock.now - timedelta(days=1)
    await put_picture(superuser, 1, "0a01", clock.now + timedelta(days=365))
    used, orphan, far, fresh = (
        put_file(files, "0a01", old),
        put_file(files, "0b02", old),
        put_file(files, "ff03", old),
        put_file(files, "0b04", clock.now),
    )

    assert (await schedule.run_due())["pictures.left_behind"] == 1
    assert not orphan.exists()
    assert far.exists()
    for _ in range(15):
        clock.forward(minutes=5)
        await schedule.run_due()

    assert not far.exists()
    assert used.exists()
    assert fresh.exists()


async def test_without_counties_no_file_is_taken_for_unused(
    schedule: Schedule, files: PictureFiles, clock: HandClock
) -> None:
    path = put_file(files, "0a01", clock.now - timedelta(days=1))

    assert (await schedule.run_due())["pictures.left_behind"] == 0
    assert path.exists()


async def test_a_file_touched_while_it_is_set_aside_is_put_back(files: PictureFiles, clock: HandClock) -> None:
    path = put_file(files, "0a01", clock.now)

    assert await files.remove([path, files.root / "0a" / "gone.jpg"], clock.now) == 0
    assert path.exists()


async def test_codes_enrolments_allowances_and_sent_messages_go_after_their_time(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    now, second = clock.now, timedelta(seconds=1)
    code = """insert into sign_in_code (phone_index, code_hash, created_at, expires_at, used_at)
              values ($1, '', $2, $2, $3)"""
    await superuser.execute(code, b"open", now + second, None)
    await superuser.execute(code, b"over", now, None)
    await superuser.execute(code, b"used", now + second, now)
    for key, at in (("old", now - timedelta(days=1) - second), ("new", now - timedelta(days=1))):
        await superuser.execute(
            """insert into sent_message (channel, address_sealed, body_sealed, key, created_at)
               values ('sms', '', '', $1, $2)""",
            key,
            at,
        )
    for name, at in (("full", now), ("used", now + second)):
        await superuser.execute("insert into rate_limit (name, subject, full_at) values ($1, '', $2)", name, at)

    person = "insert into account (phone_index, phone_sealed, name) values ($1, '', '') returning id"
    late = now - timedelta(minutes=10)
    for phone, at, confirmed in ((b"1", late, None), (b"2", late + second, None), (b"3", late, late)):
        await superuser.execute(
            "insert into authenticator (account_id, secret_sealed, created_at, confirmed_at) values ($1, $2, $3, $4)",
            await superuser.fetchval(person, phone),
            phone,
            at,
            confirmed,
        )

    changed = await schedule.run_due()

    names = ("sign_in_codes.forget", "enrolments.forget", "sent_messages.forget", "allowances.forget")
    assert [changed[name] for name in names] == [2, 1, 1, 1]
    left = await superuser.fetchval("select array_agg(secret_sealed order by secret_sealed) from authenticator")
    assert left == [b"2", b"3"]
    assert await superuser.fetchval("select phone_index from sign_in_code") == b"open"
    assert await superuser.fetchval("select key from sent_message") == "new"
    assert await superuser.fetchval("select name from rate_limit") == "used"


async def test_done_outbox_rows_go_after_a_week_and_record_keys_after_400_days(
    schedule: Schedule, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    for age, state in ((8, "done"), (6, "done"), (8, "dead"), (8, "pending")):
        await superuser.execute(
            """insert into outbox_event (name, payload, created_at, due_at, state)
               values ('a', '{}', $1, $1, $2)""",
            clock.now - timedelta(days=age),
            state,
        )
    for days in (400, 401):
        await superuser.execute(
            f"""insert into inbox (compound_id, key, event_id, received_on)
                values (4, gen_random_uuid(), 1, current_date - {days})"""
        )

    changed = await schedule.run_due()

    assert (changed["outbox.forget"], changed["inbox.purge"]) == (1, 1)
    assert await superuser.fetchval("select count(*) from outbox_event") == 3
    assert await superuser.fetchval("select current_date - received_on from inbox") == 400
