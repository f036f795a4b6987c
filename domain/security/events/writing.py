"""The one statement that writes a batch: inbox keys decide what is new; events, raw messages and the tally follow.

Everything hangs on ``kept``: rows without a key, or whose key was not in the inbox before. Tests for membership are
hashed sub-plans, so the cost grows with the batch and not with its square.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.ports import Vault
from domain.kernel import bulk
from domain.security.devices.directory import DeviceRef
from domain.security.events.rows import Row, Submission
from domain.security.events.sealed import event_columns, raw_place

PLACE = (("county_id", "int"), ("town_id", "int"), ("community_id", "int"), ("compound_id", "int"))
EVENT = (
    ("id", "bigint"), *PLACE, ("device_id", "int"), ("home_id", "int"), ("kind", "text"), ("at", "timestamptz"),
    ("occurred_at", "timestamptz"), ("received_at", "timestamptz"), ("late", "bool"), ("clock_suspect", "bool"),
    ("attributes", "jsonb"), ("personal", "bytea"), ("raw_id", "bigint"),
)  # fmt: skip
# Texts, not jsonb: the database reads them only for rows that are new.
ROW = tuple((name, "text" if kind == "jsonb" else kind) for name, kind in EVENT)
ROW += (("key", "uuid"), ("is_event", "bool"), ("channel", "text"))
RAW = (
    ("id", "bigint"), *PLACE, ("device_id", "int"), ("received_at", "timestamptz"), ("channel", "text"),
    ("content_type", "text"), ("body", "bytea"),
)  # fmt: skip
MESSAGE = (*RAW, ("rejected", "bool"))
COUNTED = (("channel", "text"), ("received", "bigint"), ("quarantined", "bigint"))

_VALUES = bulk.names(EVENT).replace("attributes", "attributes::jsonb")
WRITE = f"""
with input as (
  select * from unnest({bulk.arrays(ROW)}) as t({bulk.names(ROW)})
), fresh as (
  insert into inbox (compound_id, key, event_id, event_at)
  select compound_id, key, case when is_event then id end, case when is_event then at end
  from input where key is not null
  on conflict do nothing
  returning compound_id, key
), kept as (
  select * from input where key is null or (compound_id, key) in (select compound_id, key from fresh)
), stored as (
  insert into event ({bulk.names(EVENT)}) select {_VALUES} from kept where is_event
), raw as (
  insert into raw_message ({bulk.names(RAW)})
  select {bulk.names(RAW)} from unnest({bulk.arrays(MESSAGE, after=len(ROW))}) as m({bulk.names(MESSAGE)})
  where rejected or id in (select raw_id from kept)
), tally as (
  insert into ingest_tally (channel, received, stored, duplicate, quarantined, late)
  select c.channel, c.received, k.stored, c.received - c.quarantined - k.stored, c.quarantined, k.late
  from unnest({bulk.arrays(COUNTED, after=len(ROW) + len(MESSAGE))}) as c({bulk.names(COUNTED)}),
       lateral (select count(*) as stored, count(*) filter (where late) as late from kept
                where kept.channel = c.channel) k
)
select array_agg(id) from kept
"""  # noqa: S608 - names from the tables above

EVENTS = f"""
insert into event ({bulk.names(EVENT)})
select {_VALUES} from unnest({bulk.arrays(ROW[: len(EVENT)])}) as t({bulk.names(EVENT)})
"""  # noqa: S608 - names from the tables above


def place(device: DeviceRef) -> tuple[int, int, int, int]:
    """Values of PLACE."""
    return (device.county_id, device.town_id, device.community_id, device.compound_id)


async def write(connection: AsyncConnection, vault: Vault, batch: Sequence[Submission], rows: Sequence[Row]) -> None:
    """Write ``rows`` (candidates of ``batch``: repeats within it and known states are left out) and the batch's tally.

    The keys of their compounds are ready in ``vault``. Each row learns whether it was stored; rows left out count as
    duplicates.
    """
    channels = {row.raw_id: submission.channel for submission in batch for row in submission.rows}
    stored = await bulk.run(
        connection,
        WRITE,
        *bulk.transposed(ROW, [(*_event(vault, row), row.key, row.is_event, channels[row.raw_id]) for row in rows]),
        *bulk.transposed(MESSAGE, [_message(vault, submission) for submission in batch]),
        *bulk.transposed(COUNTED, _counted(batch)),
    )
    ids = set(stored or ())
    for row in rows:
        row.stored = row.event_id in ids


def _event(vault: Vault, row: Row) -> tuple[Any, ...]:
    device = row.device
    attributes, personal = None, None
    if row.is_event:
        attributes, personal = event_columns(vault, device.compound_id, row.event_id, said_by(row))
    return (
        row.event_id, device.county_id, device.town_id, device.community_id, device.compound_id, device.id,
        device.home_id, row.observation.kind.value, row.at, row.observation.occurred_at, row.received_at, row.late,
        row.clock_suspect, attributes, personal, row.raw_id,
    )  # fmt: skip


def _message(vault: Vault, submission: Submission) -> tuple[Any, ...]:
    device, message = submission.device, submission.message
    body = vault.seal(message.body, raw_place(submission.raw_id), area=device.compound_id)
    said = (submission.received_at, submission.channel, message.content_type.replace("\x00", ""), body)
    return (submission.raw_id, *place(device), device.id, *said, bool(submission.rejections))


def _counted(batch: Sequence[Submission]) -> list[tuple[str, int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for submission in batch:
        received, quarantined = sums.get(submission.channel, (0, 0))
        sums[submission.channel] = (received + submission.size, quarantined + len(submission.rejections))
    return [(channel, *counts) for channel, counts in sums.items()]


def said_by(row: Row) -> dict[str, Any]:
    """The event's attributes; a state's values stand among them."""
    observation = row.observation
    values = observation.attributes
    if observation.state is not None:
        values = values | observation.state
    if observation.subject is not None and "subject" not in values:
        values = values | {"subject": observation.subject}
    return values
