"""What tests of the relay and the workers share: a clock by hand, events, handlers that count, an invented compound."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import uuid4

import asyncpg
from sqlalchemy import insert, text

from domain.identity.models import SentMessage
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.outbox import DomainEvent
from domain.kernel.relay import Claimed
from domain.kernel.uow import Database, UnitOfWork
from workers.handling import Inside

SYSTEM = system_actor(NOTHING)


class HandClock:
    """A clock that stands still until moved."""

    def __init__(self) -> None:
        self.now = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True)
class Something(DomainEvent):
    """An event of these tests."""

    name: ClassVar[str] = "test.something"

    number: int


async def emit(database: Database, *numbers: int, compound_id: int | None = None) -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        for number in numbers:
            uow.emit(Something(number), compound_id=compound_id)


@dataclass(slots=True)
class Counting:
    """A handler's work whose effect is a row, so that effects of rolled back transactions do not count."""

    fail: set[int] = field(default_factory=set)

    async def __call__(self, uow: UnitOfWork, event: Claimed) -> None:
        row = {"channel": "test", "address_sealed": b"", "body_sealed": str(event.payload["number"]).encode()}
        key = f"{event.id}-{uuid4()}"
        await uow.session.execute(insert(SentMessage).values(row | {"key": key}))
        if event.payload["number"] in self.fail:
            raise RuntimeError("poison")

    def handler(self, name: str = "count") -> Inside:
        return Inside(name, self)


async def effects(database: Database) -> list[int]:
    """The numbers whose handling took effect, once per time it did."""
    async with database.reader(NOTHING) as reader:
        rows = await reader.rows(text("select body_sealed from sent_message where channel = 'test'"))
    return sorted(int(row[0]) for row in rows)


async def states(database: Database) -> list[tuple[str, int]]:
    """(state, attempts) of every outbox row in order of id."""
    async with database.reader(NOTHING) as reader:
        rows = await reader.rows(text("select state, attempts from outbox_event order by id"))
    return [(row[0], row[1]) for row in rows]


AREAS = """
insert into area (id, level, parent_id, path, name, county_id, town_id, community_id, compound_id, kind) values
  (1, 'county', null, '1', 'County', 1, null, null, null, null),
  (2, 'town', 1, '1.2', 'Town', 1, 2, null, null, null),
  (3, 'community', 2, '1.2.3', 'Community', 1, 2, 3, null, null),
  (4, 'compound', 3, '1.2.3.4', 'Ours', 1, 2, 3, 4, 'closed'),
  (5, 'compound', 3, '1.2.3.5', 'Next door', 1, 2, 3, 5, 'open'),
  (6, 'county', null, '6', 'Other county', 6, null, null, null, null);
insert into building (id, compound_id, name, county_id, town_id, community_id) values (1, 4, '1', 1, 2, 3);
insert into home (id, compound_id, building_id, unit, door, county_id, town_id, community_id) values
  (11, 4, 1, '1', '101', 1, 2, 3), (12, 4, 1, '1', '102', 1, 2, 3);
"""


async def seed_estate(superuser: asyncpg.Connection) -> None:
    """A county with one town, one community and two compounds (4 and 5), homes 11 and 12 in 4; another county."""
    await superuser.execute(AREAS)


async def seed_account(
    superuser: asyncpg.Connection, account_id: int, *, language: str = "zh-CN", disabled: bool = False
) -> None:
    await superuser.execute(
        """insert into account (id, phone_index, phone_sealed, name, language, disabled_at)
           values ($1, $2, '', 'A', $3, case when $4 then now() end)""",
        account_id,
        str(account_id).encode(),
        language,
        disabled,
    )


async def seed_member(superuser: asyncpg.Connection, account_id: int, home_id: int, *, ended: bool = False) -> None:
    await superuser.execute(
        """insert into household (home_id, account_id, role, county_id, town_id, community_id, compound_id, ended_at)
           values ($2, $1, 'owner', 1, 2, 3, 4, case when $3 then now() end)""",
        account_id,
        home_id,
        ended,
    )


async def seed_grant(
    superuser: asyncpg.Connection, account_id: int, role: str, area_id: int, *, revoked: bool = False
) -> None:
    await superuser.execute(
        """insert into role_grant
             (account_id, role, area_id, level, county_id, town_id, community_id, compound_id, revoked_at)
           select $1, $2, id, level, county_id, town_id, community_id, compound_id, case when $4 then now() end
           from area where id = $3""",
        account_id,
        role,
        area_id,
        revoked,
    )


async def seed_alert(
    superuser: asyncpg.Connection, *, audience: str, kind: str = "smoke", severity: int = 3, home_id: int | None = 11
) -> int:
    """An alert of compound 4; ``audience`` as JSON."""
    alert_id: int = await superuser.fetchval(
        """insert into alert (county_id, town_id, community_id, compound_id, source, kind, severity, home_id, place,
                              audience, explanation, raised_at, updated_at)
           values (1, 2, 3, 4, 'device:1', $2, $3, $4, '1-101', $1::jsonb, '{}', now(), now()) returning id""",
        audience,
        kind,
        severity,
        home_id,
    )
    return alert_id
