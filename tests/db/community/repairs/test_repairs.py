"""Repairs: a life from request to return visit, who may do which step, races, warranty, and the sweep."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from domain.community.repairs import errors, service, working
from domain.community.repairs.following import charge_repair, sweep_late
from domain.community.repairs.retention import forget_words
from domain.community.repairs.rules import Item, ItemKind, RepairKind, Skill
from domain.identity.roles.service import revoke_role
from domain.kernel.actor import HomeRole, Role, Scope, Trust, system_actor
from domain.kernel.errors import Forbidden, NotFound
from tests.factories.clock import Clock
from tests.factories.repairs import ITEMS, Repairs
from tests.factories.world import World

STEPS = "select state from application_change order by xid, id"


async def row(superuser: asyncpg.Connection, repair: int) -> asyncpg.Record:
    found = await superuser.fetchrow("select * from repair_request where id = $1", repair)
    assert found is not None
    return found


async def charged(world: World, repair: int) -> int | None:
    async with world.database.unit_of_work(system_actor(Scope(compounds=(world.areas["a111"],)))) as uow:
        return await charge_repair(uow, repair_id=repair)


async def test_a_life_of_a_repair(world: World, repairs: Repairs, superuser: asyncpg.Connection) -> None:
    repair = await repairs.done()
    await repairs.do("resident", service.rate_repair, repair, stars=5, text="很好")
    await repairs.do("staff", service.record_return_visit, repair, satisfied=True, note="满意")

    stored = await row(superuser, repair)
    assert (stored["state"], stored["price_fen"], stored["stars"], stored["satisfied"]) == ("done", 40_000, 5, True)
    assert stored["address"] == "a111 1栋 1-1"
    assert stored["visit_by"] == stored["done_at"] + timedelta(days=3)
    steps = [line["state"] for line in await superuser.fetch(STEPS)]
    assert steps == ["submitted", "accepted", "accepted", "accepted", "in_progress", "handled"]
    used = await superuser.fetch("select name, quantity, unit_fen from repair_item where quotation_id is null")
    assert [tuple(item) for item in used] == [("压缩机", 1, 30_000), ("上门维修", 2, 5_000)]
    events = await superuser.fetch("select name, payload from outbox_event where name like 'repair.%' order by id")
    assert [event["name"] for event in events] == ["repair.told", "repair.done"]  # the worker, that it is agreed
    acts = await superuser.fetch("select action from audit_entry where action like 'repair.%' order by sequence")
    assert [act["action"].partition(".")[2] for act in acts] == [
        "skills_set", "skills_set", "requested", "grabbed", "quoted", "answered", "started", "finished", "rated",
        "visited",
    ]  # fmt: skip


async def test_what_it_cost_is_charged_once(world: World, repairs: Repairs, superuser: asyncpg.Connection) -> None:
    repair = await repairs.done()
    made = await asyncio.gather(*(charged(world, repair) for _ in range(3)))
    assert len([each for each in made if each is not None]) == 1
    (charge,) = await superuser.fetch("select * from charge")
    assert (charge["amount_fen"], charge["subject"], charge["subject_id"]) == (40_000, "repair", repair)
    assert (await row(superuser, repair))["charge_id"] == charge["id"]


async def test_of_two_workers_one_gets_it(repairs: Repairs, superuser: asyncpg.Connection) -> None:
    repair = await repairs.ask()
    tries = (repairs.do(name, working.grab_repair, repair) for name in ("first", "second") * 3)
    got = await asyncio.gather(*tries, return_exceptions=True)
    assert [each for each in got if each is not None and not isinstance(each, (errors.AlreadyTaken, NotFound))] == []
    assert got.count(None) == 1
    assert len(await superuser.fetch("select from application_change where state = 'accepted'")) == 1


async def test_turns_go_round_even_at_once(repairs: Repairs, superuser: asyncpg.Connection) -> None:
    asked = [await repairs.ask() for _ in range(6)]
    await asyncio.gather(*(repairs.do("staff", working.assign_repair, repair) for repair in asked))
    given = await superuser.fetch(
        "select count(*) as many from repair_request group by worker_account_id order by worker_account_id"
    )
    assert [each["many"] for each in given] == [3, 3]


async def test_only_who_can_and_still_works_there_is_given_a_repair(world: World, repairs: Repairs) -> None:
    carpenter = await repairs.worker("carpenter", "a111", Skill.FURNITURE)
    elsewhere = await repairs.worker("elsewhere", "a112", Skill.APPLIANCE)
    repair = await repairs.ask()
    with pytest.raises(errors.SkillMissing):
        await repairs.do("carpenter", working.grab_repair, repair)
    with pytest.raises(NotFound):
        await repairs.do("elsewhere", working.grab_repair, repair)
    with pytest.raises(errors.SkillMissing):
        await repairs.do("staff", working.assign_repair, repair, worker_id=carpenter)
    with pytest.raises(NotFound):
        await repairs.do("staff", working.assign_repair, repair, worker_id=elsewhere)
    for name in ("first", "second"):
        async with world.database.unit_of_work(world.everywhere) as uow:
            await revoke_role(uow, grant_id=await world.grant_id(repairs.persons[name]))
    with pytest.raises(errors.SkillMissing):
        await repairs.do("staff", working.assign_repair, repair, worker_id=repairs.workers["first"])
    with pytest.raises(errors.NobodyThere):
        await repairs.do("staff", working.assign_repair, repair)


FINISH = {
    "grabbed": ("quote", "agree", "start"), "quoted": ("agree", "start"), "agreed": ("start",), "started": (),
}  # fmt: skip


@pytest.mark.parametrize("before", FINISH)
async def test_another_goes_on_where_somebody_left(
    world: World, repairs: Repairs, superuser: asyncpg.Connection, before: str
) -> None:
    repair = await getattr(repairs, before)()
    stood = await row(superuser, repair)
    with pytest.raises(errors.AlreadyTaken):
        await repairs.do("staff", working.assign_repair, repair, worker_id=repairs.workers["first"])
    async with world.database.unit_of_work(world.everywhere) as uow:
        await revoke_role(uow, grant_id=await world.grant_id(repairs.persons["first"]))
    await repairs.do("staff", working.assign_repair, repair)  # the next in turn is another
    stands = await row(superuser, repair)
    same = ("state", "taken_at", "finish_by", "quoted_at", "started_at")
    assert [stands[name] for name in same] == [stood[name] for name in same]
    assert stands["worker_account_id"] == repairs.persons["second"].id
    assert (await superuser.fetch(STEPS))[-1]["state"] == ("in_progress" if before == "started" else "accepted")
    await repairs.add("first", repairs.persons["first"])
    steps: dict[str, tuple[str, Any, dict[str, Any]]] = {
        "quote": ("second", working.quote_repair, {"items": ITEMS}),
        "agree": ("resident", service.answer_quotation, {"accept": True}),
        "start": ("second", working.start_repair, {}),
        "finish": ("second", working.finish_repair, {}),
    }
    for who, command, given in (steps[name] for name in (*FINISH[before], "finish")):
        if who == "second":
            with pytest.raises(NotFound):
                await repairs.do("first", command, repair, **given)
        await repairs.do(who, command, repair, **given)
    done = await row(superuser, repair)
    assert (done["state"], done["price_fen"]) == ("done", 40_000)
    with pytest.raises(errors.NotSoFar):
        await repairs.do("staff", working.assign_repair, repair)


async def test_a_repair_is_handed_over_once_at_a_time(repairs: Repairs, superuser: asyncpg.Connection) -> None:
    repair = await repairs.agreed()
    third = await repairs.worker("third", "a111", Skill.APPLIANCE)
    done = await asyncio.gather(
        *(
            repairs.do("staff", working.assign_repair, repair, worker_id=worker)
            for worker in (third, third, repairs.workers["second"])
        ),
        repairs.do("first", working.start_repair, repair),
        return_exceptions=True,
    )
    stored = await row(superuser, repair)
    assert stored["worker_account_id"] in (repairs.persons["second"].id, repairs.persons["third"].id)
    assert stored["state"] == ("in_progress" if done[3] is None else "agreed")
    assert all(each is None or isinstance(each, (errors.AlreadyTaken, NotFound)) for each in done)


COMMANDS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "assign": (working.assign_repair, {}, "ask"),
    "reject": (service.reject_repair, {"reason": "x"}, "ask"),
    "cancel": (service.cancel_repair, {"reason": "x"}, "ask"),
    "release": (working.release_repair, {"reason": "x"}, "grabbed"),
    "quote": (working.quote_repair, {"items": ITEMS}, "grabbed"),
    "start": (working.start_repair, {}, "agreed"),
    "rate": (service.rate_repair, {"stars": 1}, "done"),
    "visit": (service.record_return_visit, {"satisfied": False, "note": "x"}, "done"),
}
MAY = {
    "assign": {"staff"}, "reject": {"staff"}, "cancel": {"staff", "resident"}, "release": {"staff", "first"},
    "quote": {"first"}, "start": {"first"}, "rate": {"resident"}, "visit": {"staff"},
}  # fmt: skip
SEES = {"resident", "tenant_by_phone", "staff"}


@pytest.mark.parametrize("name", COMMANDS)
async def test_who_may_do_what(world: World, repairs: Repairs, name: str) -> None:
    by_phone = await world.living_in("a111/1", HomeRole.TENANT, Trust.PHONE)
    await repairs.add("tenant_by_phone", by_phone)
    await repairs.add("neighbour", await world.living_in("a111/2"))
    await repairs.add("police", await world.with_role(Role.COMMUNITY_POLICE, "a11"))
    await repairs.add("next_door", await world.with_role(Role.PROPERTY_STAFF, "a112"))
    command, given, before = COMMANDS[name]
    for who in repairs.actors:
        repair = await getattr(repairs, before)()
        if who in MAY[name]:
            await repairs.do(who, command, repair, **given)
            continue
        seen = who in SEES or (who == "first" and before != "ask")
        with pytest.raises(Forbidden if seen else NotFound):
            await repairs.do(who, command, repair, **given)


async def test_a_quotation_is_refused_and_made_anew(repairs: Repairs, superuser: asyncpg.Connection) -> None:
    repair = await repairs.grabbed()
    await repairs.do("first", working.quote_repair, repair, items=ITEMS)
    with pytest.raises(errors.NotSoFar):
        await repairs.do("first", working.quote_repair, repair, items=ITEMS)
    await repairs.do("resident", service.answer_quotation, repair, accept=False, note="太贵")
    cheaper = (Item(ItemKind.LABOUR, "检修", 1, 8_000),)
    await repairs.do("first", working.quote_repair, repair, items=cheaper)
    await repairs.do("resident", service.answer_quotation, repair, accept=True)
    await repairs.do("first", working.start_repair, repair)
    with pytest.raises(errors.AboveQuotation):
        await repairs.do("first", working.finish_repair, repair, items=ITEMS)
    more = (*cheaper, Item(ItemKind.PART, "温控器", 1, 9_000))
    await repairs.do("first", working.quote_repair, repair, items=more)  # found while at it
    await repairs.do("resident", service.answer_quotation, repair, accept=True)
    await repairs.do("first", working.start_repair, repair)
    await repairs.do("first", working.finish_repair, repair, items=cheaper)
    assert (await row(superuser, repair))["price_fen"] == 8_000
    states = await superuser.fetch("select state, total_fen from repair_quotation order by id")
    assert [tuple(each) for each in states] == [("refused", 40_000), ("accepted", 8_000), ("accepted", 17_000)]


async def test_answered_and_called_off_at_once_is_one_of_both(repairs: Repairs, superuser: asyncpg.Connection) -> None:
    repair = await repairs.grabbed()
    await repairs.do("first", working.quote_repair, repair, items=ITEMS)
    done = await asyncio.gather(
        repairs.do("resident", service.answer_quotation, repair, accept=False),
        repairs.do("staff", service.cancel_repair, repair, reason="x"),
        return_exceptions=True,
    )
    stored = await row(superuser, repair)
    quotation = await superuser.fetchval("select state from repair_quotation")
    if done[0] is None:  # refused first: it could still be called off
        assert (stored["state"], quotation, done[1]) == ("cancelled", "refused", None)
    else:
        assert (stored["state"], quotation) == ("cancelled", "withdrawn")
        assert isinstance(done[0], errors.NotSoFar)


async def test_calling_off_a_visit(world: World, repairs: Repairs, clock: Clock) -> None:
    begins = clock() + timedelta(hours=3)
    window = (begins, begins + timedelta(hours=2))
    repair = await repairs.agreed(window=window)
    other = await repairs.agreed(window=window)
    await repairs.do("resident", service.cancel_repair, repair, reason="不用了")
    clock.advance(hours=1, minutes=1)
    with pytest.raises(errors.TooLateToCancel):
        await repairs.do("resident", service.cancel_repair, other, reason="不用了")
    await repairs.do("staff", service.cancel_repair, other, reason="住户来电")
    with pytest.raises(errors.NotSoFar):
        await repairs.do("staff", service.cancel_repair, other, reason="again")


@pytest.mark.parametrize(("begins", "ends"), [(2, 1), (1, 1), (-3, -1), (1, 26), (24 * 61, 24 * 61 + 1)])
async def test_a_wish_that_cannot_be(repairs: Repairs, clock: Clock, begins: int, ends: int) -> None:
    window = (clock() + timedelta(hours=begins), clock() + timedelta(hours=ends))
    with pytest.raises(errors.InvalidWindow):
        await repairs.ask(window=window)


async def test_under_warranty_it_is_free(
    world: World, repairs: Repairs, clock: Clock, superuser: asyncpg.Connection
) -> None:
    earlier = await repairs.done()
    with pytest.raises(errors.NoWarranty):
        await repairs.ask(warranty_of=earlier, kind=RepairKind.TELEVISION)
    again = await repairs.grabbed(warranty_of=earlier)
    with pytest.raises(errors.NoWarranty):
        await repairs.ask(warranty_of=again)  # not done
    with pytest.raises(errors.NotSoFar):
        await repairs.do("first", working.quote_repair, again, items=ITEMS)
    await repairs.do("first", working.start_repair, again)
    await repairs.do("first", working.finish_repair, again, items=ITEMS)
    stored = await row(superuser, again)
    assert (stored["price_fen"], stored["warranty_of_id"]) == (0, earlier)
    assert await charged(world, again) is None
    await repairs.add("neighbour", await world.living_in("a111/2"))
    with pytest.raises(NotFound):
        await repairs.ask("neighbour", "a111/2", warranty_of=earlier)
    clock.advance(days=92)
    with pytest.raises(errors.NoWarranty):
        await repairs.ask(warranty_of=earlier)


async def test_once_is_enough(repairs: Repairs) -> None:
    repair = await repairs.done()
    for stars in (0, 6):
        with pytest.raises(errors.InvalidRating):
            await repairs.do("resident", service.rate_repair, repair, stars=stars)
    rates = (repairs.do("resident", service.rate_repair, repair, stars=stars) for stars in (4, 5))
    done = await asyncio.gather(*rates, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["AlreadyRated", "NoneType"]
    await repairs.do("staff", service.record_return_visit, repair, satisfied=False, note="仍有异响")
    with pytest.raises(errors.AlreadyVisited):
        await repairs.do("staff", service.record_return_visit, repair, satisfied=True, note="")


async def swept(world: World) -> int:
    async with world.database.unit_of_work(world.everywhere) as uow:
        return await sweep_late(uow, limit=10)


async def test_what_is_late_is_noticed_once_until_its_next_step(
    world: World, repairs: Repairs, clock: Clock, superuser: asyncpg.Connection
) -> None:
    repair, waiting = await repairs.ask(), await repairs.grabbed()
    await repairs.do("first", working.quote_repair, waiting, items=ITEMS)
    clock.advance(hours=2)
    assert await swept(world) == 0
    clock.advance(minutes=1)
    assert [await swept(world), await swept(world)] == [1, 0]
    await repairs.do("second", working.grab_repair, repair)
    assert (await row(superuser, repair))["overdue_at"] is None
    clock.advance(days=2, minutes=1)
    assert [await swept(world), await swept(world)] == [1, 0]  # who waits for the home's answer is not late
    await repairs.do("resident", service.answer_quotation, waiting, accept=True)
    assert (await row(superuser, waiting))["finish_by"] > clock() + timedelta(days=1, hours=23)
    events = await superuser.fetch("select payload ->> 'late' as late from outbox_event where name = 'repair.overdue'")
    assert [event["late"] for event in events] == ["accept", "finish"]


async def test_the_words_of_old_repairs_are_forgotten_and_what_it_cost_is_not(
    world: World, repairs: Repairs, clock: Clock, superuser: asyncpg.Connection
) -> None:
    repair = await repairs.done(description="漏水三天")
    waiting = await repairs.ask(title="洗衣机", description="还没人来")
    said = "select address || description || worker_name || rating || visit_note from repair_request where id = $1"
    for days, forgotten in ((399, 0), (2, 1), (0, 0)):
        clock.advance(days=days)
        async with world.database.unit_of_work(world.everywhere) as uow:
            assert await forget_words(uow, limit=5) == forgotten
        assert bool(await superuser.fetchval(said, repair)) is (days == 399)
        assert await superuser.fetchval(said, waiting)
    kept = await superuser.fetchrow("select title, price_fen from repair_request where id = $1", repair)
    assert kept["title"] == "不制冷"
    assert kept["price_fen"] > 0


async def test_skills_are_of_service_workers_of_ones_own_compound(world: World, repairs: Repairs) -> None:
    async def give(by: str, grant: int) -> int:
        async with world.database.unit_of_work(repairs.actors[by]) as uow:
            return await working.set_skills(uow, grant_id=grant, skills=[Skill.GAS, Skill.GAS])

    own = await world.grant_id(repairs.persons["first"])
    assert await give("staff", own) == repairs.workers["first"]
    staff = await world.grant_id(repairs.persons["staff"])
    with pytest.raises(Forbidden):
        await give("staff", staff)
    with pytest.raises(Forbidden):
        await give("first", own)
    await repairs.worker("elsewhere", "a112", Skill.GAS)
    with pytest.raises(NotFound):
        await give("staff", await world.grant_id(repairs.persons["elsewhere"]))


async def test_the_database_itself_keeps_the_states(superuser: asyncpg.Connection, repairs: Repairs) -> None:
    repair = await repairs.ask()
    for change in (
        "state = 'assigned'", "state = 'done', done_at = now()", "stars = 6, rated_at = now()", "price_fen = 1",
        "worker_account_id = account_id", "window_from = now()", "warranty_of_id = id", "kind = 'house'",
    ):  # fmt: skip
        with pytest.raises(asyncpg.CheckViolationError):
            await superuser.execute(f"update repair_request set {change} where id = $1", repair)
