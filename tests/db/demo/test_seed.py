"""The invented county: what is in it, that a second seed changes nothing, that its secrets are right."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.page import examples
from cli import demo
from cli.demo_world.people import numeral
from domain.kernel.actor import Role
from domain.security.devices.directory import DeviceDirectory, device_number
from domain.security.devices.models import DeviceKind, Vendor
from integrations.settings import Settings


async def test_the_county_holds_what_the_demo_promises(seeded: Settings, superuser: asyncpg.Connection) -> None:
    areas = await superuser.fetch("select level, kind, count(*) from area group by 1, 2")
    counts = {
        table: await superuser.fetchval(f"select count(*) from {table}") for table in ("building", "home", "account")
    }
    alone, disabled, phone = await superuser.fetchrow(
        "select count(*) filter (where lives_alone), count(*) filter (where disabled_person),"
        " count(*) filter (where trust = 'phone') from household"
    )

    assert {(row["level"], row["kind"]): row["count"] for row in areas} == {
        ("county", None): 1,
        ("town", None): 2,
        ("community", None): 3,
        ("compound", "closed"): 4,
        ("compound", "open"): 2,
    }
    assert counts == {"building": 24, "home": 288, "account": 162}
    offered = (
        "select count(distinct s.compound_id), count(*) from housekeeping_service s join housekeeping_worker w using"
    )
    assert tuple(await superuser.fetchrow(f"{offered} (provider_id)")) == (6, 36)
    assert (alone, disabled, phone) == (30, 18, 24)


async def test_every_home_that_is_lived_in_owes_something(seeded: Settings, superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "select bill.kind, count(distinct bill.home_id) as homes, count(charge.id) as charges"
        " from bill join charge on charge.id = bill.charge_id where bill.state = 'issued' group by 1"
    )
    found = {row["kind"]: (row["homes"], row["charges"]) for row in rows}
    assert found == {"property": (96, 192), "water": (30, 30)}


async def test_every_compound_has_repairs_to_take_to_answer_and_done(
    seeded: Settings, superuser: asyncpg.Connection
) -> None:
    rows = await superuser.fetch(
        "select state, count(*), count(stars) as rated, count(satisfied) as visited, count(overdue_at) as late,"
        " count(*) filter (where account_id is null) as by_nobody, min(accept_by) filter (where state = 'open') > now()"
        " from repair_request group by 1"
    )
    assert {row["state"]: tuple(row)[1:] for row in rows} == {
        "open": (6, 0, 0, 0, 0, True),
        "quoted": (6, 0, 0, 0, 0, None),
        "done": (6, 6, 6, 0, 0, None),
    }
    assert await superuser.fetchval("select count(*) from repair_quotation where state = 'offered'") == 6
    skilled = "select count(*) from repair_worker where skills @> array['appliance']"
    assert await superuser.fetchval(skilled) == 12


async def test_a_second_seed_changes_nothing(seeded: Settings, superuser: asyncpg.Connection) -> None:
    before = await _contents(superuser)
    secrets = (seeded.data_dir / "demo.json").read_bytes()

    await demo.seed(seeded)

    assert await _contents(superuser) == before
    assert (seeded.data_dir / "demo.json").read_bytes() == secrets
    assert {"account", "device", "household", "ebike_tag"} <= {table for table, rows in before.items() if rows}


async def test_the_examples_are_trusted_and_a_retired_one_stays_retired(
    seeded: Settings, superuser: asyncpg.Connection
) -> None:
    texts = {row["text"] for row in await superuser.fetch("select text from trusted_document where app = 'demo'")}
    assert texts >= set(examples().values())

    await superuser.execute("update trusted_document set retired_at = now() where operations = 'WhoAmI'")
    await demo.seed(seeded)

    left = await superuser.fetchval("select count(*) from trusted_document where retired_at is not null")
    assert left == 1


async def test_every_role_and_every_resident_can_be_signed_in_as(seeded: Settings) -> None:
    accounts = (await demo.describe(seeded))["accounts"]

    assert Counter(account["role"] for account in accounts) == {
        Role.COUNTY_OPERATOR: 1,
        Role.TOWN_OPERATOR: 2,
        Role.COMMUNITY_POLICE: 3,
        Role.PROPERTY_MANAGER: 6,
        Role.PROPERTY_STAFF: 12,
        Role.SERVICE_WORKER: 12,
        "resident": 126,
    }
    assert accounts[0]["role"] == Role.COUNTY_OPERATOR
    assert all(len(account["phone"]) == 11 and account["phone"].startswith("1990000") for account in accounts)
    assert len({account["phone"] for account in accounts}) == 162
    assert len({account["name"] for account in accounts}) == 162


async def test_each_kind_of_device_is_there_from_every_vendor(seeded: Settings) -> None:
    devices = (await demo.describe(seeded))["devices"]

    assert {device["kind"] for device in devices} == set(DeviceKind)
    assert {device["vendor"] for device in devices} == set(Vendor)
    assert {device["zone"] for device in devices} >= {"gate", "fire_lane", "corridor", "facade", "edge"}
    gates = Counter(device["compound_name"] for device in devices if device["kind"] == DeviceKind.BARRIER_CAMERA)
    assert len(gates) == 4  # the closed compounds; the open ones have cameras at their edges


async def test_every_shown_credential_is_the_devices_own(seeded: Settings, engine: AsyncEngine) -> None:
    directory = DeviceDirectory(engine)

    for device in (await demo.describe(seeded))["devices"]:
        speaker = device_number(device["gateway"] or device["id"])
        by_bearer = await directory.by_bearer(device["credential"])
        by_path = await directory.by_path(*_path(device["path_url"]))
        by_mqtt = await directory.authenticate(device["mqtt_user"], device["credential"])
        assert by_bearer is not None
        assert by_bearer == by_path == by_mqtt
        assert by_bearer.id == speaker
        assert device["mqtt_topic"].startswith(f"c/{by_bearer.compound_id}/d/{speaker}/")
        events = "http://127.0.0.1:8123/devices/events"
        assert device["push_url"] == (events if device["vendor"] == "zhian" else device["path_url"])


async def test_secrets_are_the_owners_alone_and_only_hashes_are_stored(
    seeded: Settings, superuser: asyncpg.Connection
) -> None:
    device = (await demo.describe(seeded))["devices"][0]
    stored = await superuser.fetchval("select string_agg(c::text, '') from device_credential c")

    assert stat.S_IMODE((seeded.data_dir / "demo.json").stat().st_mode) == 0o600
    assert device["credential"] not in stored


async def test_a_lost_secrets_file_is_replaced_and_old_secrets_end(seeded: Settings, engine: AsyncEngine) -> None:
    before = (await demo.describe(seeded))["devices"][0]
    (seeded.data_dir / "demo.json").unlink()

    await demo.seed(seeded)

    after = (await demo.describe(seeded))["devices"][0]
    directory = DeviceDirectory(engine)
    assert (found := await directory.by_bearer(after["credential"])) is not None
    assert found.id == after["number"] == before["number"]
    assert await directory.by_bearer(before["credential"]) is None


async def test_credentials_from_before_digest_with_sha_256_are_replaced(
    seeded: Settings, superuser: asyncpg.Connection
) -> None:
    before = (seeded.data_dir / "demo.json").read_bytes()
    await superuser.execute(
        "update device_credential set digest_sha256 = null where id = (select max(id) from device_credential)"
    )

    await demo.seed(seeded)
    after = (seeded.data_dir / "demo.json").read_bytes()
    await demo.seed(seeded)

    assert before != after == (seeded.data_dir / "demo.json").read_bytes()
    assert await superuser.fetchval("select count(*) from device_credential where digest_sha256 is null") == 0
    assert await superuser.fetchval("select count(*) from device_credential where digest_md5 is not null") == 0


@pytest.mark.parametrize(("number", "words"), [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (21, "二十一")])
def test_numerals(number: int, words: str) -> None:
    assert numeral(number) == words


def _path(url: str) -> tuple[int, str]:
    *_, number, secret = Path(url).parts
    return int(number), secret


async def _contents(superuser: asyncpg.Connection) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    tables = await superuser.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    return {
        table: [row[0] for row in await superuser.fetch(f"select t::text from {table} t order by 1")]
        for (table,) in tables
    }
