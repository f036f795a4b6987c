"""What devices tell about people, looked for in everything that is stored, as a superuser."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from domain.identity.accounts.service import ensure_account
from domain.kernel.actor import NOTHING, system_actor
from domain.security.ebikes.rules import TagPlace
from domain.security.ebikes.service import NewEBike, add_tag, register_ebike
from domain.security.events.gone import close_gone
from tests.factories.ingest import Ingest
from tests.unit.devices.samples import access, anpr

NAME, PERSON, CARD, PLATE, BIKE_PLATE = "南宫示例", "R-7700417", "9055550417", "浙F7C417", "示例90417"
ID_NUMBER, PHONE, TAG, TAG_2 = "330402199902300417", "13800990417", "E280116060000417", "E280116060000418"
CANARIES = (NAME, PERSON, CARD, PLATE, BIKE_PLATE, ID_NUMBER, PHONE, TAG, TAG_2)
TABLES = "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
Sent = dict[str, Any]


def passage(number: int, **data: Any) -> Sent:
    return {"id": f"p-{number}", "type": "passage", "data": {"decision": "granted", "method": "card", **data}}


@pytest.fixture
async def told(ingest: Ingest) -> Ingest:
    """Devices have told all canaries, in every way they tell anything."""
    controller, barrier = await ingest.device("hikvision"), await ingest.device("hikvision")
    reader, gate = await ingest.device("impinj"), await ingest.device()
    home, everywhere = ingest.world.homes["a111/1"], ingest.world.everywhere
    owner = await ingest.world.living_in("a111/1")
    vault = ingest.services.vault
    async with ingest.services.database.unit_of_work(everywhere) as uow:
        new = NewEBike(home, plate=BIKE_PLATE, owner_id=owner.id, tags=[(TAG, TagPlace.BIKE)])
        await add_tag(
            uow, vault=vault, ebike_id=await register_ebike(uow, vault=vault, new=new), tag=TAG_2, place=TagPlace.SPARE
        )
    async with ingest.services.database.unit_of_work(system_actor(NOTHING)) as uow:
        await ensure_account(uow, vault=vault, phone=f"+86{PHONE}", name="")
    seen = access(name=NAME, employeeNoString=PERSON, cardNo=CARD, certificateNumber=ID_NUMBER, telephone=PHONE)
    assert (await ingest.push(controller, seen)).status_code == 200
    assert (await ingest.push(controller, access(9, 999, name=NAME, cardNo=CARD))).status_code == 200
    assert (await ingest.push(barrier, anpr(PLATE).encode(), **{"Content-Type": "application/xml"})).status_code == 200
    assert (await ingest.push(reader, [_read(TAG), _read(TAG_2)])).status_code == 200
    await ingest.say(
        gate,
        passage(1, decision="refused", person_no=PERSON, card_no=CARD, temperature_c=38.6, health_code="red"),
        passage(2, decision="refused", reason="unknown_card", card_no=CARD),
        passage(3, decision=NAME, note=f"call {PHONE}"),
        {"id": "v-1", "type": "plate_read", "data": {"plate": PLATE}},
        {"id": "c-1", "type": "camera_event", "data": {"type": "other", "detail": f"{NAME} {ID_NUMBER} {PHONE}"}},
        {"id": PERSON, "type": NAME, "data": {}},
        {"id": CARD, "type": "passage", "source": f"{NAME} {PHONE}", "data": {"decision": "granted"}},
    )
    await ingest.push(gate, json.dumps({"id": ID_NUMBER, "name": NAME}, ensure_ascii=False).encode()[:-1])
    return ingest


def _read(tag: str) -> Sent:
    return {
        "timestamp": "2026-03-04T00:00:01Z",
        "eventType": "tagInventory",
        "tagInventoryEvent": {"epcHex": tag, "antennaPort": 2, "peakRssiCdbm": -6150},
    }


def written(canary: str) -> Iterator[bytes]:
    """The ways a canary may stand in a column."""
    for text in (canary, canary.lower(), json.dumps(canary)[1:-1]):
        for coding in ("utf-8", "gb18030", "utf-16-le"):
            content = text.encode(coding)
            yield content
            yield content.hex().encode()
            yield base64.b64encode(content).rstrip(b"=")[:-1]


async def found_in(connection: asyncpg.Connection, *canaries: str) -> set[tuple[str, str]]:
    """The canaries that stand in a column, with the column."""
    ways = {way: canary for canary in canaries for way in written(canary)}
    found = set()
    for (table,) in await connection.fetch(TABLES):
        for row in await connection.fetch(f'select * from "{table}"'):
            for column, value in row.items():
                content = value if isinstance(value, bytes) else str(value).encode()
                found |= {(canary, f"{table}.{column}") for way, canary in ways.items() if way in content}
    return found


async def rows_of(connection: asyncpg.Connection) -> dict[str, int]:
    counts = {}
    for (table,) in await connection.fetch(TABLES):
        counts[table] = await connection.fetchval(f'select count(*) from "{table}"')
    return counts


async def test_nothing_that_tells_who_it_was_is_stored_in_clear(told: Ingest) -> None:
    assert await found_in(told.stored, *CANARIES) == set()


async def test_what_was_looked_for_was_there_to_be_found(told: Ingest) -> None:
    """All of it is stored, and opens: nothing was missed only because it was dropped."""
    stored = await rows_of(told.stored)
    for table in ("event", "raw_message", "sighting", "tag_presence", "quarantined", "ebike", "ebike_tag", "alert"):
        assert stored[table], table
    opened = "".join(event["attributes"] for event in await told.events()).encode().decode("unicode-escape")
    bodies = b"".join(await told.raw()).decode("utf-8", "replace")
    for canary in (PERSON, CARD, TAG, ID_NUMBER, PHONE):
        assert canary in opened, canary
    for canary in (NAME, PERSON, CARD, PLATE, ID_NUMBER, PHONE, TAG):
        assert canary in bodies or json.dumps(canary)[1:-1] in bodies, canary
    assert ("unparseable", "not JSON: unexpected end of data at character 43") in await told.quarantined()


async def test_the_search_finds_what_is_in_clear(told: Ingest) -> None:
    await told.stored.execute("update event set attributes = $1", json.dumps({"note": NAME}))
    await told.stored.execute("update raw_message set body = $1", f"x{PLATE}".encode("gb18030"))
    found = await found_in(told.stored, *CANARIES)
    assert {(NAME, "event.attributes"), (PLATE, "raw_message.body")} <= found
    assert {canary for canary, _ in found} == {NAME, PLATE}


async def test_tags_that_have_gone_leave_no_trace_in_clear(told: Ingest) -> None:
    await told.stored.execute("update tag_presence set heard_at = heard_at - interval '1 minute'")
    async with told.services.database.unit_of_work(told.world.everywhere) as uow:
        assert await close_gone(uow, vault=told.services.vault) == 2
    assert await found_in(told.stored, TAG, TAG_2) == set()


@pytest.mark.parametrize(
    ("table", "column", "key"),
    [
        ("event", "personal", "id"),
        ("raw_message", "body", "id"),
        ("sighting", "subject", "id"),
        ("quarantined", "detail", "raw_id"),
    ],
)
async def test_a_value_moved_to_another_row_does_not_open(told: Ingest, table: str, column: str, key: str) -> None:
    vault = told.services.vault
    rows = await told.stored.fetch(f"select * from {table} where {column} is not null order by {key}")
    one, other = rows[0], next(row for row in rows if row[key] != rows[0][key])
    area = one["compound_id"]
    assert await vault.open_bytes(one[column], f"{table}|{column}|{one[key]}", area=area)
    for place in (f"{table}|{column}|{other[key]}", f"{table}|other|{one[key]}", f"other|{column}|{one[key]}"):
        with pytest.raises(ValueError, match="elsewhere"):
            await vault.open_bytes(one[column], place, area=area)
    with pytest.raises(ValueError, match="another area"):
        await vault.open_bytes(one[column], f"{table}|{column}|{one[key]}", area=area + 1)


async def test_one_subject_has_another_index_in_every_column(told: Ingest) -> None:
    found = [
        await told.stored.fetch("select tag_index from ebike_tag"),
        await told.stored.fetch("select tag_index from tag_presence"),
        await told.stored.fetch("select distinct subject_index from sighting where subject_kind = 'tag'"),
    ]
    assert [len(rows) for rows in found] == [2, 2, 2]
    assert len({row[0] for rows in found for row in rows}) == 6
