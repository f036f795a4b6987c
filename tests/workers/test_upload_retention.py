"""Pictures people sent: unused ones go after a day, attached ones after their time, files with their last row."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg

from tests.workers.kit import HandClock, seed_estate
from tests.workers.test_retention import AREA, put_file, put_picture, sha_of
from workers.pictures import PictureFiles
from workers.schedule import Schedule

ACCOUNT = "insert into account (phone_index, phone_sealed, name) values ('p', 's', 'x') returning id"
UPLOAD = """
insert into upload (account_id, sha256, width, height, size, created_at, expires_at) values ($1, $2, 1, 1, 4, now(), $3)
"""
ATTACHMENT = f"""
insert into attachment (county_id, town_id, community_id, compound_id, account_id, subject, subject_id, label, sha256,
                        width, height, size, attached_at, expires_at)
values ({AREA}, $1, 'repair', 1, '', $2, 1, 1, 4, now(), $3)
"""


async def test_they_go_with_their_files_unless_another_row_needs_them(
    schedule: Schedule, files: PictureFiles, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await seed_estate(superuser)
    account = await superuser.fetchval(ACCOUNT)
    over, kept, old = clock.now, clock.now + timedelta(seconds=1), clock.now - timedelta(hours=2)

    async def put(statement: str, name: str, until: datetime) -> None:
        await superuser.execute(statement, account, sha_of(name), until)

    await put(UPLOAD, "aa01", over)
    await put(UPLOAD, "bb02", over)
    await put(ATTACHMENT, "bb02", kept)
    await put(ATTACHMENT, "cc03", over)
    await put(UPLOAD, "cc03", kept)
    await put(ATTACHMENT, "dd04", over)
    await put_picture(superuser, 1, "dd04", kept)
    await put_picture(superuser, 2, "bb02", over)
    names = ("aa01", "bb02", "cc03", "dd04")
    paths = [put_file(files, name, old) for name in names]

    changed = await schedule.run_due()

    assert (changed["uploads.expired"], changed["pictures.expired"]) == (4, 1)
    assert [path.exists() for path in paths] == [False, True, True, True]
    clock.forward(days=1, hours=1)
    await schedule.run_due()
    assert [path.exists() for path in paths] == [False, False, False, False]
    assert await superuser.fetchval("select (select count(*) from upload) + (select count(*) from attachment)") == 0
