"""The comparison: what devices were told against what the database holds, what was raised, delivered and heard."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

from api.nodes import global_id
from domain.identity.ports import Vault
from domain.kernel.paging import LogCursor
from domain.security.events.sealed import event_place, raw_place
from tests.faults.harness.followers import Follower, Item
from tests.faults.harness.ledger import Ledger
from tests.faults.harness.report import Report

EVENTS = "select id, compound_id, device_id, attributes::text, personal from event"
MARK = ("person_no", "track", "voltage_mv")
"""What carries a record's number, by its kind; a person's number is sealed."""
TALLY = """
select coalesce(sum(received), 0)::int received, coalesce(sum(stored), 0)::int stored,
       coalesce(sum(duplicate), 0)::int duplicate, coalesce(sum(quarantined), 0)::int quarantined from ingest_tally
"""
INBOX = """
select (select count(*) from inbox i where not exists (
          select from event e where e.compound_id = i.compound_id and e.id = i.event_id and e.at = i.event_at))
"""
QUARANTINED_BODIES = """
select r.id, r.compound_id, r.body from raw_message r where exists (select from quarantined q where q.raw_id = r.id)
"""
CHANGES = """
select c.xid::text::bigint xid, c.id, c.change, c.alert_id, c.county_id, c.town_id, c.community_id, c.compound_id,
       c.home_id, c.snapshot->>'kind' kind, c.snapshot->>'source' source,
       array(select jsonb_array_elements_text(c.snapshot->'audience')) audience
from alert_change c order by c.xid, c.id
"""
UNTOLD = """
with told as (
  select a.compound_id, a.id alert_id, p.account_id
  from alert a
  join lateral (
    select h.account_id from household h
    where a.audience ? 'home' and h.home_id = a.home_id and h.ended_at is null
    union
    select g.account_id from role_grant g
    where g.revoked_at is null and g.area_id in (a.county_id, a.town_id, a.community_id, a.compound_id)
      and ((a.audience ? 'staff' and g.role in ('property_staff', 'property_manager'))
           or (a.audience ? 'police' and g.role = 'community_police'))
  ) p on true
  join account k on k.id = p.account_id and k.disabled_at is null
), written as (select compound_id, alert_id, account_id from notification where cause = 'raised')
select 'not told: ' || x::text from (select * from told except select * from written) x
union all
select 'told too much: ' || x::text from (select * from written except select * from told) x
union all
select 'not delivered: notification ' || id from notification where delivered_at is null
union all
select 'not sent: ' || receipt from notification
where delivered_at is not null and not exists (select from sent_message m where m.key = receipt and m.channel = 'push')
union all
select 'sent ' || (select count(*) from sent_message where channel = 'push') || ' pushes for '
       || (select count(*) from notification) || ' notifications'
where (select count(*) from sent_message where channel = 'push') <> (select count(*) from notification)
union all
select 'outbox: ' || name || ' is ' || state from outbox_event where state <> 'done'
"""


async def compare(pool: Any, vault: Vault, ledger: Ledger, followers: Sequence[Follower], *, metrics: str) -> Report:
    """The report of a run that has come to rest. ``pool``: a superuser's connections; ``vault`` opens it."""
    report = Report()
    report.sent = len(ledger.messages)
    report.attempts = sum(message.attempts for message in ledger.messages)
    report.acknowledged = ledger.acknowledged
    report.records = len(ledger.marks(acknowledged=False))
    report.wrong += ledger.refusals
    if ledger.unacknowledged:
        report.wrong.append(f"{ledger.unacknowledged} messages were never acknowledged")
    await _stored(pool, vault, ledger, report)
    await _counted(pool, report, metrics)
    await _quarantined(pool, vault, ledger, report)
    _raised(await pool.fetch(CHANGES), ledger, report)
    report.undelivered += [row[0] for row in await pool.fetch(UNTOLD)]
    report.notifications = await pool.fetchval("select count(*) from notification")
    for follower, expected in zip(followers, await expected_items(pool, followers), strict=True):
        _heard(follower, expected, report)
    return report


async def expected_items(pool: Any, followers: Sequence[Follower]) -> list[list[Item]]:
    """What each subscriber must have heard, by the table."""
    changes = await pool.fetch(CHANGES)
    return [[_item(row) for row in changes if follower.sees(row)] for follower in followers]


async def _stored(pool: Any, vault: Vault, ledger: Ledger, report: Report) -> None:
    stored: Counter[tuple[int, int]] = Counter()
    for row in await pool.fetch(EVENTS):
        said = json.loads(row["attributes"])
        if row["personal"] is not None:
            said |= json.loads(await vault.open(row["personal"], event_place(row["id"]), area=row["compound_id"]))
        marks = [said[name] for name in MARK if name in said]
        stored.update((row["device_id"], int(float(mark))) for mark in marks[:1])
    report.lost += _told("record", ledger.marks(acknowledged=True) - stored.keys())
    report.invented += _told("record", stored.keys() - ledger.marks(acknowledged=False))
    report.doubled += _told("record", {mark for mark, times in stored.items() if times > 1})
    orphans = await pool.fetchval(INBOX)
    if orphans:
        report.lost.append(f"{orphans} keys without their event")


async def _counted(pool: Any, report: Report, metrics: str) -> None:
    tally = dict(await pool.fetchrow(TALLY))
    report.received, report.stored = tally["received"], tally["stored"]
    report.duplicate, report.quarantined = tally["duplicate"], tally["quarantined"]
    if report.received != report.stored + report.duplicate + report.quarantined:
        report.wrong.append(f"the tally does not add up: {tally}")
    for name, table in (("stored", "event"), ("quarantined", "quarantined")):
        rows = await pool.fetchval(f"select count(*) from {table}")
        if rows != tally[name]:
            report.wrong.append(f"{tally[name]} {name} are counted, {rows} are there")
    for name, count in tally.items():
        shown = [line for line in metrics.splitlines() if f'outcome="{name}"' in line]
        if sum(float(line.split()[-1]) for line in shown) != count:
            report.wrong.append(f"metrics of {name} do not say {count}: {shown}")


async def _quarantined(pool: Any, vault: Vault, ledger: Ledger, report: Report) -> None:
    rows = await pool.fetch(QUARANTINED_BODIES)
    kept = {await vault.open_bytes(r["body"], raw_place(r["id"]), area=r["compound_id"]) for r in rows}
    bad = [message for message in ledger.messages if message.bad and message.acknowledged]
    report.lost += [f"bad record of device {m.device} near {m.marks[0]}" for m in bad if m.body not in kept]


def _raised(changes: Iterable[Any], ledger: Ledger, report: Report) -> None:
    found: dict[tuple[int, str], list[str]] = {}
    for row in changes:
        source = int(row["source"].removeprefix("device:"))
        found.setdefault((source, row["kind"]), []).append(row["change"])
        report.changes += 1
        report.alerts += row["change"] == "raised"
    expected = ledger.changes()
    for key in expected.keys() | found.keys():
        must, is_ = expected.get(key, []), found.get(key, [])
        if must != is_:
            place = next((n for n, pair in enumerate(zip_longest(must, is_)) if pair[0] != pair[1]), -1)
            report.unraised.append(f"{key}: {len(must)} changes were sent, {len(is_)} made; they part at {place}")


def _heard(follower: Follower, expected: Sequence[Item], report: Report) -> None:
    """The subscriber's sequence against the table's."""
    who = f"{type(follower).__name__} {follower.phone}"
    report.heard += len(follower.items)
    report.joined += follower.joined
    report.wrong += [f"{who}: {text}" for text in follower.complaints]
    must = {_row_of(item) for item in expected}
    heard = Counter(_row_of(item) for item in follower.items)
    report.gaps += _told(f"{who}: change", must - heard.keys())
    report.repeats += _told(f"{who}: change", {row for row, times in heard.items() if times > 1 or row not in must})
    if heard.keys() == must and follower.items != list(expected):
        report.repeats.append(f"{who}: the changes came in another order, or otherwise, than the table has them")


def _row_of(item: Item) -> int:
    """The id of the change in its table."""
    return LogCursor.decode(item.cursor).id


def _item(row: Any) -> Item:
    alert = global_id("Alert", f"{row['compound_id']}.{row['alert_id']}")
    return Item(LogCursor(row["xid"], row["id"]).encode(), row["change"], alert)


def _told(what: str, found: Iterable[Any]) -> list[str]:
    return [f"{what} {one}" for one in sorted(found)]
