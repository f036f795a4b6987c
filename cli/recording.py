"""Acts of the command line in the audit log of a deployment whose database is known."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from cli.running import complain, read_state, settings_for
from domain.estate.queries import compound_place
from domain.kernel.actor import Scope, system_actor
from domain.kernel.acts import Act
from domain.kernel.uow import Database
from integrations.postgres import create_engine


def record(data_dir: Path, action: str, what: str, name: str | None = None, *, compound: int | None = None) -> None:
    """Put what was just done into the audit log; where there is no database to put it, say so and go on.

    What changes files only is done by then: it cannot be undone for want of a record.
    """
    if "ZHIAN_DATABASE_URL" not in os.environ and read_state(data_dir) is None:
        complain("NOT_RECORDED", "no database is known, so this does not stand in the audit log")
        return
    try:
        asyncio.run(_record(str(settings_for(data_dir).database_url), action, what, name, compound))
    except (OSError, DBAPIError) as error:
        complain("NOT_RECORDED", f"this does not stand in the audit log: {type(error).__name__}")


async def _record(url: str, action: str, what: str, name: str | None, compound: int | None) -> None:
    engine = create_engine(url, pool_size=2, application="zhian-cli")
    try:
        database = Database(engine)
        scope = Scope() if compound is None else Scope(compounds=(compound,))
        async with database.reader(scope) as reader:
            where = None if compound is None else await compound_place(reader, compound)
        details = {} if compound is None else {"compound": compound}
        await database.record(system_actor(scope), [Act(action, what, name, where, details=details)])
    finally:
        await engine.dispose()
