"""The recorder: what is stored, told apart, counted; what a bad record or a failing rule costs."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel.uow import News
from domain.security.devices.models import DeviceKind
from domain.security.devices.observation import EventKind, Reason, Rejection
from domain.security.ebikes.models import EBike
from domain.security.events import instant
from domain.security.events import recorder as recording
from domain.security.events.recorder import Recorder
from domain.security.events.retry import retry_rules
from domain.security.events.sealed import raw_place
from tests.factories.clock import Clock
from tests.factories.plant import Plant, ago

COUNTED = ("received", "stored", "duplicate", "quarantined", "late")


async def tally(superuser: asyncpg.Connection) -> dict[str, int]:
    sums = ", ".join(f"coalesce(sum({name}), 0)::int as {name}" for name in COUNTED)
    return dict(await superuser.fetchrow(f"select {sums} from ingest_tally"))


async def count(superuser: asyncpg.Connection, table: str) -> int:
    return int(await superuser.fetchval(f"select count(*) from {table}"))


async def test_the_same_message_ten_times_is_one_event(plant: Plant, superuser: asyncpg.Connection) -> None:
    device = await plant.device("a111")
    outcomes = [await plant.says(device, plant.smoke(key="once")) for _ in range(10)]
    assert [outcome.counts.stored for outcome in outcomes] == [1] + [0] * 9
    assert await count(superuser, "event") == 1
    assert await count(superuser, "raw_message") == 1
    assert await tally(superuser) == {"received": 10, "stored": 1, "duplicate": 9, "quarantined": 0, "late": 0}
    (alert,) = await plant.alerts()
    assert (alert.kind, alert.times) == ("smoke", 1)


async def test_the_same_message_ten_times_at_once_is_one_event(plant: Plant, superuser: asyncpg.Connection) -> None:
    device = await plant.device("a111")
    outcomes = await asyncio.gather(*(plant.says(device, plant.smoke(key="once")) for _ in range(10)))
    assert sum(outcome.counts.stored for outcome in outcomes) == 1
    assert await count(superuser, "event") == 1


async def test_one_key_of_two_devices_is_two_events(plant: Plant, superuser: asyncpg.Connection) -> None:
    for _ in range(2):
        await plant.says(await plant.device("a111"), plant.smoke(key="same"))
    assert await count(superuser, "event") == 2


async def test_ten_thousand_messages_are_counted_to_the_unit(
    plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    """5 % repeats, 2 % late, 1 % malformed, shuffled, from eight devices at once."""
    order = random.Random(7)
    devices = [await plant.device(compound, DeviceKind.GATE) for compound in ("a111", "a112", "a211", "b111") * 2]
    messages: list[tuple[Any, Any]] = []
    for number in range(9_400):
        late = number % 47 == 0  # 200
        at = ago(clock, days=2) if late else clock()
        said = {"decision": "granted", "person_no": f"R-{number}"}
        seen = plant.seen(EventKind.PASSAGE, said, late=late, occurred_at=at, subject=f"R-{number}")
        messages.append((devices[number % 8], seen))
    repeated = [(device, replace(seen)) for device, seen in order.sample(messages, 500)]
    malformed = [(device, Rejection(Reason.UNPARSEABLE, "not JSON")) for device in order.choices(devices, k=100)]
    everything = messages + repeated + malformed
    order.shuffle(everything)
    for start in range(0, len(everything), 1_000):
        part = everything[start : start + 1_000]
        await asyncio.gather(*(plant.says(device, record) for device, record in part))
    counted = await tally(superuser)
    assert counted["received"] == counted["stored"] + counted["duplicate"] + counted["quarantined"]
    assert counted == {
        "received": 10_000,
        "stored": 9_400,
        "duplicate": 500,
        "quarantined": 100,
        "late": 200,
    }
    assert await count(superuser, "event") == 9_400
    assert await count(superuser, "quarantined") == 100
    assert await superuser.fetchval("select count(*) from event where late") == 200


async def test_a_flush_holds_many_messages_and_every_caller_waits_for_its_own(
    plant: Plant, superuser: asyncpg.Connection, news: list[News]
) -> None:
    device = await plant.device("a111", DeviceKind.GATE)
    news.clear()
    outcomes = await asyncio.gather(*(plant.says(device, plant.passage(f"R-{n}")) for n in range(200)))
    assert all(outcome.counts.stored == 1 for outcome in outcomes)
    flushes = await count(superuser, "ingest_tally")
    assert 1 <= flushes <= 10
    assert len(news) == flushes  # told once per flush, not per message
    assert await superuser.fetchval("select count(distinct xid) from event") == flushes


@pytest.mark.parametrize("poison", [{"note": "a\x00b"}, {"note": "\ud800"}, {"number": 2**70}])
async def test_a_value_the_database_refuses_costs_only_its_message(
    plant: Plant, superuser: asyncpg.Connection, poison: dict[str, Any]
) -> None:
    device = await plant.device("a111", DeviceKind.GATE)
    good = [plant.says(device, plant.passage(f"R-{n}")) for n in range(20)]
    bad = plant.says(device, plant.seen(EventKind.PASSAGE, poison), body=b"poison")
    outcomes = await asyncio.gather(*good[:10], bad, *good[10:])
    assert [outcome.counts.stored for outcome in outcomes] == [1] * 10 + [0] + [1] * 10
    assert outcomes[10].counts.quarantined == 1
    kept = await superuser.fetchrow("select * from quarantined q join raw_message r on r.id = q.raw_id")
    body = await plant.world.vault.open_bytes(kept["body"], raw_place(kept["raw_id"]), area=device.compound_id)
    assert (kept["reason"], body) == ("bad_value", b"poison")
    assert (await tally(superuser))["received"] == 21


async def test_what_a_narrowed_state_meant_survives_a_second_try(plant: Plant) -> None:
    """The first message of the batch is refused; what it said is news again in the second."""
    sensor = await plant.device("a111")
    poison = plant.seen(EventKind.SENSOR, {"note": "\x00"}, key=None, state={"smoke": True})
    again = plant.seen(EventKind.SENSOR, {}, key=None, state={"smoke": True, "contact": False})
    await asyncio.gather(plant.says(sensor, poison), plant.says(sensor, again))
    assert [alert.kind for alert in await plant.alerts()] == ["smoke"]


async def test_a_caller_who_left_stops_nobody(plant: Plant, superuser: asyncpg.Connection) -> None:
    device = await plant.device("a111", DeviceKind.GATE)
    gone = asyncio.create_task(plant.says(device, plant.seen(EventKind.PASSAGE, {"note": "\x00"})))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert (await plant.says(device, plant.passage())).counts.stored == 1


async def test_a_flush_that_fails_tells_its_callers_and_the_next_one_works(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await plant.device("a111", DeviceKind.GATE)

    async def broken(*_: object, **__: object) -> None:
        raise ConnectionResetError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(recording, "flush", broken)
        failed = await asyncio.gather(*(plant.says(device, plant.passage()) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in failed] == [ConnectionResetError] * 3
    assert (await plant.says(device, plant.passage())).counts.stored == 1


async def test_news_that_cannot_be_told_costs_no_message(plant: Plant, recorder: Recorder) -> None:
    device = await plant.device("a111", DeviceKind.GATE)
    told = recorder._wake

    async def broken(_: News) -> None:
        raise ConnectionResetError("Valkey is away")

    recorder._wake = broken
    assert (await plant.says(device, plant.passage())).counts.stored == 1
    recorder._wake = told
    assert (await plant.says(device, plant.passage())).counts.stored == 1


async def test_only_changes_of_a_keyless_state_are_events(plant: Plant, superuser: asyncpg.Connection) -> None:
    sensor = await plant.device("a111")

    async def report(**state: Any) -> int:
        seen = plant.seen(EventKind.SENSOR, {"link_quality": 80}, key=None, state=state)
        return (await plant.says(sensor, seen)).counts.stored

    assert [await report(smoke=False, battery_low=False) for _ in range(3)] == [1, 0, 0]
    assert [await report(smoke=True, battery_low=False) for _ in range(3)] == [1, 0, 0]
    assert await report(smoke=True, battery_low=True) == 1
    assert await report(smoke=False, battery_low=True) == 1
    rows = await superuser.fetch("select attributes::text from event order by id")
    assert len(rows) == 4
    (alert,) = await plant.alerts()
    assert (alert.kind, alert.times, alert.cleared_because) == ("smoke", 1, "smoke=false")


async def test_three_copies_of_a_state_in_one_batch_are_one_event(plant: Plant, superuser: asyncpg.Connection) -> None:
    sensor = await plant.device("a111")
    copies = [plant.seen(EventKind.SENSOR, {}, key=None, state={"smoke": True}) for _ in range(3)]
    await asyncio.gather(*(plant.says(sensor, copy) for copy in copies))
    assert await count(superuser, "event") == 1
    assert await tally(superuser) == {"received": 3, "stored": 1, "duplicate": 2, "quarantined": 0, "late": 0}


async def test_a_late_record_is_kept_and_raises_nothing(
    plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    device = await plant.device("a111")
    late = plant.smoke(late=True, occurred_at=ago(clock, days=3))
    outcome = await plant.says(device, late)
    assert (outcome.counts.stored, outcome.counts.late) == (1, 1)
    assert await plant.alerts() == []
    assert await superuser.fetchval("select at from event") == ago(clock, days=3)


async def test_a_clock_that_is_off_does_not_reorder_history(
    plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    device = await plant.device("a111")
    await plant.says(device, plant.smoke(occurred_at=ago(clock, hours=-9)))
    row = await superuser.fetchrow("select at, occurred_at, clock_suspect from event")
    assert tuple(row) == (clock(), ago(clock, hours=-9), True)
    assert len(await plant.alerts()) == 1


async def test_a_failing_rule_costs_no_event_and_is_judged_again(
    plant: Plant, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor, gate = await plant.device("a111"), await plant.device("a111", DeviceKind.GATE)

    async def broken(connection: AsyncConnection, *_: object) -> bool:
        await connection.exec_driver_sql("select 1/0")
        return True

    with monkeypatch.context() as patched:
        patched.setattr(instant, "conditions", broken)
        outcome = await plant.says(sensor, plant.smoke())
        other = await plant.says(gate, plant.passage())
        assert (outcome.counts.stored, other.counts.stored) == (1, 1)
        assert await plant.alerts() == []
        assert await judged_again(plant) == 0  # fails once more
    assert tuple(await superuser.fetchrow("select rule, attempts, done_at from rule_retry")) == ("condition", 1, None)
    assert await judged_again(plant) == 1
    assert [(alert.kind, alert.device_id) for alert in await plant.alerts()] == [("smoke", sensor.id)]
    assert await judged_again(plant) == 0


async def judged_again(plant: Plant) -> int:
    async with plant.database.unit_of_work(plant.world.everywhere) as uow:
        return await retry_rules(uow, vault=plant.world.vault)


async def test_a_rule_judged_again_does_not_raise_what_is_over(
    plant: Plant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = await plant.device("a111")
    with monkeypatch.context() as patched:
        patched.setattr(instant, "conditions", lambda *_: failing())
        await plant.says(sensor, plant.smoke())
    clock.advance(seconds=5)
    await plant.says(sensor, plant.smoke(on=False))
    assert await judged_again(plant) == 1
    assert await plant.alerts() == []


async def failing() -> bool:
    raise RuntimeError("a rule with a fault")


async def test_a_rule_that_fails_for_long_waits_for_a_person(
    plant: Plant, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = await plant.device("a111")
    monkeypatch.setattr(instant, "conditions", lambda *_: failing())
    await plant.says(sensor, plant.smoke())
    for _ in range(12):
        assert await judged_again(plant) == 0
    assert tuple(await superuser.fetchrow("select attempts, done_at, error from rule_retry")) == (
        10,
        None,
        "RuntimeError",
    )


async def test_refusals_and_guard_mode_are_judged_again_too(
    plant: Plant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, reader = await plant.device("a111", DeviceKind.GATE), await plant.device("a111", DeviceKind.RFID_READER)
    ebike = await plant.ebike("a111/1", await plant.world.living_in("a111/1"), "ABCD")
    async with plant.database.unit_of_work(plant.world.everywhere) as uow:
        await uow.session.execute(update(EBike).where(EBike.id == ebike).values(guarded_since=clock()))
    with monkeypatch.context() as patched:
        patched.setattr(instant, "repeated_refusals", lambda *_: failing())
        patched.setattr(instant, "guard", lambda *_: failing())
        for _ in range(3):
            await plant.says(gate, plant.seen(EventKind.PASSAGE, {"decision": "refused", "reason": "unknown_card"}))
        await plant.says(reader, plant.read("ABCD"))
    assert await plant.alerts() == []
    assert await judged_again(plant) == 4
    assert sorted(alert.kind for alert in await plant.alerts()) == ["ebike_moved", "repeated_refusal"]


async def test_what_is_a_day_old_is_not_raised_any_more(
    plant: Plant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(instant, "conditions", lambda *_: failing())
        await plant.says(await plant.device("a111"), plant.smoke())
    clock.advance(hours=25)
    assert await judged_again(plant) == 1
    assert await plant.alerts() == []


async def test_a_late_state_without_a_key_is_one_event_however_often_it_comes(
    plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    sensor = await plant.device("a111")
    for _ in range(3):
        then = ago(clock, days=2)
        late = plant.seen(EventKind.SENSOR, {}, key=None, state={"smoke": True}, late=True, occurred_at=then)
        await plant.says(sensor, late)
    assert await count(superuser, "event") == 1
    assert await count(superuser, "device_property") == 0  # what was is not what is


async def test_gaps_in_record_numbers_are_counted_once(plant: Plant, superuser: asyncpg.Connection) -> None:
    gate = await plant.device("a111", DeviceKind.GATE)

    def numbered(serial: int, key: str | None = None) -> Any:
        said = {"decision": "granted"}
        return plant.seen(EventKind.PASSAGE, said, key=key or f"n{serial}", serial=serial, previous_serial=serial - 1)

    async def lost() -> int:
        return int(await superuser.fetchval("select lost_records from device_liveness"))

    await plant.says(gate, numbered(1))
    await plant.says(gate, numbered(2), numbered(3))
    assert await lost() == 0
    await plant.says(gate, numbered(6))
    assert await lost() == 2
    await plant.says(gate, numbered(6), numbered(8))
    assert await lost() == 3
    await plant.says(gate, numbered(2))  # a repeat of long ago
    await plant.says(gate, numbered(9))
    assert await lost() == 3


async def test_devices_behind_a_hub_speak_for_themselves(plant: Plant, superuser: asyncpg.Connection) -> None:
    hub = await plant.device("a111", DeviceKind.GATEWAY)
    sensor = await plant.device("a111", gateway_id=hub.id, external_id="0x1", home="a111/1")
    known, unknown = plant.smoke(source="0x1"), plant.smoke(source="0x2")
    outcome = await plant.says(hub, known, unknown, sources={"0x1": sensor, "0x2": None})
    assert (outcome.counts.stored, outcome.counts.quarantined) == (1, 1)
    assert tuple(await superuser.fetchrow("select device_id, home_id from event")) == (sensor.id, sensor.home_id)
    assert await superuser.fetchval("select reason from quarantined") == "unknown_source"


async def test_three_refusals_of_strangers_within_five_minutes_are_an_alert(plant: Plant, clock: Clock) -> None:
    gate, other = await plant.device("a111", DeviceKind.GATE), await plant.device("a111", DeviceKind.GATE)

    async def stranger(at: Any) -> None:
        await plant.says(at, plant.seen(EventKind.PASSAGE, {"decision": "refused", "reason": "unknown_person"}))

    await stranger(gate)
    clock.advance(minutes=6)
    for device in (gate, gate, other):
        await stranger(device)
        clock.advance(minutes=1)
    await plant.says(gate, plant.passage(decision="refused", reason="expired"))
    assert await plant.alerts() == []
    await stranger(gate)
    (alert,) = await plant.alerts()
    assert (alert.kind, alert.device_id, alert.explanation["because"]["refusals"]) == ("repeated_refusal", gate.id, 3)


async def test_severity_rises_and_repeats_are_counted(plant: Plant, superuser: asyncpg.Connection) -> None:
    gate = await plant.device("a111", DeviceKind.GATE)
    for code in ("yellow", "yellow", "red", "yellow"):
        await plant.says(gate, plant.passage(decision="refused", health_code=code))
    (alert,) = await plant.alerts()
    assert (alert.severity, alert.times) == (3, 4)
    assert alert.explanation["because"]["health_code"] == "red"
    changes = await superuser.fetch("select change from alert_change order by xid, id")
    assert [row["change"] for row in changes] == ["raised", "risen"]
    told = await superuser.fetch("select payload ->> 'change' as change from outbox_event where name = 'alert.raised'")
    assert [row["change"] for row in told] == ["raised", "risen"]
