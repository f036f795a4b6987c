"""The hub over a log in memory: who sees what, once, in order, from where."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from api.live import Feed, FeedHub, LogItem
from api.live import tail as tail_module
from domain.kernel.actor import Scope
from domain.kernel.paging import LogCursor
from domain.kernel.uow import News
from tests.api.execution.serving import until
from tests.api.execution.toy import COMPOUND, ToyItem, ToyLog

HERE = Scope(compounds=(COMPOUND,))
NEWS = News(topics=frozenset({"toys"}))


@dataclass
class Ear:
    """A sink that writes down what it hears."""

    heard: list[str] = field(default_factory=list)
    cursors: list[LogCursor] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def offer(self, payload: str, cursor: LogCursor) -> bool:
        self.heard.append(payload)
        self.cursors.append(cursor)
        return self.open.is_set()

    async def room(self) -> None:
        await self.open.wait()


@dataclass
class World:
    log: ToyLog
    hub: FeedHub
    rendered: list[str] = field(default_factory=list)

    def feed(self, **options: Any) -> Feed:
        defaults: dict[str, Any] = {"scope": HERE, "admit": lambda _: True, "present": lambda i: i, "key": "same"}
        return self.hub.feed("toys", **{**defaults, **options})

    async def render(self, item: LogItem) -> str:
        assert isinstance(item, ToyItem)
        self.rendered.append(item.text)
        return item.text

    def listen(self, ear: Ear, operation: str = "op", **options: Any) -> Any:
        return self.feed(**options).attach(operation, self.render, ear)

    def add(self, text: str, **options: Any) -> ToyItem:
        item = self.log.add(text, **options)
        self.hub.on_news(NEWS)
        return item


@pytest.fixture
def world() -> World:
    log = ToyLog()
    return World(log, FeedHub({"toys": log}, poll_seconds=0.05))


async def live(world: World, ears: int) -> None:
    """Wait until ``ears`` members are live."""
    groups = world.hub._tails["toys"]._groups.values
    await until(lambda: sum(len(g.live) for g in groups()) == ears)


async def heard(ear: Ear, count: int) -> None:
    await until(lambda: len(ear.cursors) >= count)


async def test_items_after_the_subscription_are_heard_and_none_before(world: World) -> None:
    world.add("before")
    ear = Ear()
    stop = world.listen(ear)
    await live(world, 1)
    world.add("one")
    world.add("two")
    await until(lambda: ear.heard == ["one", "two"])
    stop()
    world.add("three")
    assert world.hub.members() == {"toys": 0}


async def test_without_news_the_log_is_looked_at_anyway(world: World) -> None:
    ear = Ear()
    world.listen(ear)
    await live(world, 1)
    world.log.add("silent")
    await until(lambda: ear.heard == ["silent"])


async def test_after_replays_in_pages_and_goes_on_live(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.hub._tails["toys"], "_page", 3)
    items = [world.log.add(f"{n}") for n in range(10)]
    ear = Ear()
    world.listen(ear, after=items[1].cursor)
    await live(world, 1)
    world.add("10")
    await until(lambda: ear.heard == [str(n) for n in range(2, 11)])


async def test_a_row_of_a_late_transaction_is_held_back_until_it_is_settled_and_read_soon(world: World) -> None:
    ear = Ear()
    world.hub._tails["toys"]._poll = 60
    world.listen(ear)
    await live(world, 1)
    world.add("newer", xid=105, settle=False)  # 100 is still running
    await until(lambda: world.log.reads > 5)  # without news and long before the next poll
    assert ear.heard == []
    world.log.add("older", xid=100, settle=False)
    world.log.horizon = 106
    await until(lambda: ear.heard == ["older", "newer"])


async def test_rights_and_areas_are_applied_to_each_item(world: World) -> None:
    mine, theirs, county = Ear(), Ear(), Ear()
    world.listen(mine, admit=lambda i: "mine" in i.text, key="mine")
    world.listen(theirs, scope=Scope(compounds=(8,)), key="theirs")
    world.listen(county, scope=Scope(counties=(1,)), key="county")
    await live(world, 3)
    world.add("mine")
    world.add("yours")
    world.add("mine too", compound_id=8)
    world.add("of a new compound", compound_id=9)
    everything = ["mine", "yours", "mine too", "of a new compound"]
    await until(lambda: county.heard == everything)
    assert mine.heard == ["mine"]
    assert theirs.heard == ["mine too"]


async def test_a_cursor_ahead_of_this_process_repeats_nothing(world: World) -> None:
    first = Ear()
    world.hub._tails["toys"]._poll = 60
    world.listen(first)
    await live(world, 1)
    seen = world.log.add("seen elsewhere")  # this process has had no news of it
    again = Ear()
    world.listen(again, after=seen.cursor)
    world.add("new")
    await until(lambda: first.heard == ["seen elsewhere", "new"])
    await until(lambda: again.heard == ["new"])


async def test_the_same_operation_and_rights_are_rendered_once(world: World) -> None:
    ears = [Ear() for _ in range(50)]
    for ear in ears:
        world.listen(ear)
    others = [Ear(), Ear(), Ear()]
    world.listen(others[0], operation="another")
    world.listen(others[1], key=None)
    world.listen(others[2], key=None)
    await live(world, 53)
    world.add("fire")
    await until(lambda: all(e.heard == ["fire"] for e in [*ears, *others]))
    assert world.rendered == ["fire"] * 4


async def test_many_that_replay_the_same_rows_render_them_once(world: World) -> None:
    first = world.log.add("0")
    for n in range(1, 20):
        world.log.add(str(n))
    ears = [Ear() for _ in range(30)]
    for ear in ears:
        world.listen(ear, after=first.cursor)
    await live(world, 30)
    assert all(e.heard == [str(n) for n in range(1, 20)] for e in ears)
    assert len(world.rendered) == 19


async def test_a_member_that_leaves_while_rendering_does_not_take_the_item_from_the_others(world: World) -> None:
    gate, started = asyncio.Event(), asyncio.Event()

    async def slow(item: LogItem) -> str:
        started.set()
        await gate.wait()
        return await world.render(item)

    first, second = Ear(), Ear()
    start = LogCursor(world.log.horizon, 0)
    world.log.add("fire")
    stop = world.feed(after=start).attach("op", slow, first)
    world.feed(after=start).attach("op", slow, second)
    await started.wait()
    stop()
    gate.set()
    await until(lambda: second.heard == ["fire"])
    assert first.heard == []


async def test_one_item_that_cannot_be_rendered_does_not_end_the_feed(world: World) -> None:
    async def picky(item: LogItem) -> str:
        if "bad" in getattr(item, "text", ""):
            raise ValueError("cannot be shown")
        return await world.render(item)

    ear = Ear()
    start = LogCursor(world.log.horizon, 0)
    world.log.add("bad 1")
    world.log.add("good 1")
    world.feed(after=start).attach("op", picky, ear)
    await live(world, 1)
    world.add("bad 2")
    world.add("good 2")
    await until(lambda: ear.heard == ["good 1", "good 2"])


async def test_an_unreadable_log_is_read_again(world: World) -> None:
    start = LogCursor(world.log.horizon, 0)
    world.log.add("kept")
    world.log.fail = 3
    ear = Ear()
    world.listen(ear, after=start)
    await until(lambda: ear.heard == ["kept"])
    world.log.fail = 2
    world.add("kept too")
    await until(lambda: ear.heard == ["kept", "kept too"])


async def test_a_slow_replay_that_falls_behind_reads_the_rest_from_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "ASIDE", 3)
    start = LogCursor(world.log.horizon, 0)
    world.log.add("0")
    slow, quick = Ear(), Ear()
    slow.open.clear()
    world.listen(slow, after=start)
    world.listen(quick, after=start)
    await live(world, 1)
    for n in range(1, 20):
        world.add(str(n))
        await heard(quick, n + 1)
    assert slow.heard == []
    slow.open.set()
    await until(lambda: slow.heard == [str(n) for n in range(20)])
    assert quick.heard == slow.heard


async def test_a_feed_is_an_async_iterable_of_presented_items(world: World) -> None:
    start = LogCursor(world.log.horizon, 0)
    world.log.add("fire")
    items = aiter(world.feed(after=start, present=lambda i: i.text))
    assert await anext(items) == "fire"
    await items.aclose()
    assert world.hub.members() == {"toys": 0}


async def test_nobody_listening_means_nobody_reading(world: World) -> None:
    ear = Ear()
    stop = world.listen(ear)
    await live(world, 1)
    stop()
    reads = world.log.reads
    await asyncio.sleep(0.15)
    assert world.log.reads == reads
    ear2 = Ear()
    world.listen(ear2)
    await live(world, 1)
    world.add("again")
    await until(lambda: ear2.heard == ["again"])
    await world.hub.close()
    assert world.hub.members() == {"toys": 0}


@pytest.mark.parametrize("seed", range(8))
async def test_no_gap_and_no_repeat_while_rows_commit_and_members_come_and_go(world: World, seed: int) -> None:
    dice = random.Random(seed)
    start = LogCursor(world.log.horizon, 0)
    running: list[int] = []
    ears: list[tuple[Ear, LogCursor, Any]] = []
    for step in range(300):
        roll = dice.random()
        if roll < 0.35:  # a transaction begins
            running.append(world.log.horizon + len(running) + step)
        elif roll < 0.7 and running:  # one of them commits, not the oldest first
            xid = running.pop(dice.randrange(len(running)))
            for _ in range(dice.randint(1, 3)):
                world.log.add(f"{xid}-{step}", xid=xid, compound_id=dice.choice([COMPOUND, 8]), settle=False)
            newest = max((r.cursor.xid for r in world.log.rows), default=0)
            world.log.horizon = max(world.log.horizon, min([*running, newest + 1]))
            if dice.random() < 0.7:
                world.hub.on_news(NEWS)
        elif roll < 0.85:
            ear = Ear()
            after = dice.choice([start, *(r.cursor for r in world.log.rows if r.cursor.xid < world.log.horizon)])
            scope = dice.choice([HERE, Scope(compounds=(8,)), Scope(counties=(1,))])
            ears.append((ear, after, scope))
            world.listen(ear, after=after, scope=scope)
        await asyncio.sleep(0)
        if dice.random() < 0.2:
            await asyncio.sleep(0.002)
    world.log.horizon = max(r.cursor.xid for r in world.log.rows) + 1
    world.hub.on_news(NEWS)
    rows = sorted(world.log.rows, key=lambda r: (r.cursor.xid, r.cursor.id))
    for ear, after, scope in ears:
        expected = [
            r.cursor
            for r in rows
            if (r.cursor.xid, r.cursor.id) > (after.xid, after.id)
            and (scope.counties or r.compound_id in scope.compounds)
        ]
        await heard(ear, len(expected))
        await asyncio.sleep(0)
        assert ear.cursors == expected
    assert len(ears) > 10
    await world.hub.close()


async def test_those_who_keep_up_are_served_before_those_who_do_not(world: World) -> None:
    served: list[str] = []

    class Named(Ear):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def offer(self, payload: str, cursor: LogCursor) -> bool:
            served.append(self.name)
            return super().offer(payload, cursor)

    slow, quick = Named("slow"), Named("quick")
    world.listen(slow)
    await live(world, 1)
    world.listen(quick)
    await live(world, 2)
    slow.open.clear()
    for number, ear in enumerate(("first", "second", "third"), 1):
        if ear == "third":
            slow.open.set()
        world.add(ear)
        await heard(quick, number)
        await heard(slow, number)
    world.add("fourth")
    await heard(quick, 4)
    await heard(slow, 4)

    assert served == ["slow", "quick", "quick", "slow", "quick", "slow", "slow", "quick"]
