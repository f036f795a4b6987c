"""markets, todayPrices, priceHistory, priceAlerts and the mutations of prices, over the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from api.nodes import global_id
from domain.community.prices.fetching import begin_fetch, finish_fetch
from domain.community.prices.ports import Fetched
from domain.community.prices.rules import Category, IndexValue, Quote, Source, today_in
from tests.factories.api import Answer, Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.statements import Statements
from tests.factories.world import Person, World
from tests.workers.test_price_fetching import everywhere

MARKETS = """{ markets { edges { node {
  id name source latestOn staleSince compound { name } indices(days: 7) { on name hundredths } } } } }"""
TODAY = """query($market: ID, $name: String, $category: GoodsCategory, $first: Int, $after: String) {
  todayPrices(market: $market, name: $name, category: $category, first: $first, after: $after) {
    edges { node { id name on unit averageFen fenPerJin market { name source staleSince }
      dayBefore { on fen changeFen } weekBefore { on changeFen } elsewhere { fenPerJin market { name } } } }
    pageInfo { hasNextPage endCursor } } }"""
HISTORY = """query($name: String, $days: Int!, $first: Int, $after: String) {
  priceHistory(name: $name, days: $days, first: $first, after: $after) {
    edges { node { on averageFen } } pageInfo { hasNextPage endCursor } } }"""
RECORD = "mutation($input: RecordPriceInput!) { recordPrice(input: $input) { id name averageFen fenPerJin on } }"
IMPORT = """mutation($compound: ID!, $day: Date!, $csv: String!, $preview: Boolean!) {
  importPrices(compound: $compound, day: $day, csv: $csv, preview: $preview) {
    stored lines { name fenPerJin category } errors { line code field message } } }"""
WITHDRAW = "mutation($id: ID!) { withdrawPrice(id: $id) }"
WAIT = """mutation($market: ID!, $name: String!, $below: Int!) {
  createPriceAlert(market: $market, name: $name, belowFen: $below) { id name belowFen toldOn market { name } } }"""
STOP = "mutation($id: ID!) { deletePriceAlert(id: $id) }"
ALERTS = "{ priceAlerts { edges { node { id name toldOn } } } }"


def nodes(answer: Answer, root: str) -> list[dict[str, Any]]:
    return [edge["node"] for edge in answer.data[root]["edges"]]


async def published(world: World, clock: Clock, *days_ago: int, name: str = "大白菜", fen: int = 100) -> None:
    """A price of each of these days comes from Xinfadi, a fen more for each day back."""
    today = today_in("Asia/Shanghai", clock())
    quotes = [
        Quote(f"{name}{ago}", today - timedelta(days=ago), name, fen + ago, "斤", category=Category.VEGETABLE)
        for ago in days_ago
    ]
    async with world.database.unit_of_work(everywhere(world)) as uow:
        turn = await begin_fetch(uow, source=Source.XINFADI, market="北京新发地")
        assert turn is not None
        await finish_fetch(uow, turn, Fetched(tuple(quotes), (IndexValue(today, "vegetableBasket", 11621),)))


def entered(world: World, clock: Clock, **fields: Any) -> dict[str, Any]:
    today = today_in("Asia/Shanghai", clock()).isoformat()
    compound = global_id("Area", world.areas["a111"])
    return {"compound": compound, "day": today, "name": "大白菜", "averageFen": 240, "unit": "公斤"} | fields


async def test_a_resident_compares_the_days_prices(api: Api, world: World, clock: Clock) -> None:
    await published(world, clock, 0, 2, 9)
    staff, resident = await cast_of(world, "staff"), await cast_of(world, "resident")
    recorded = (await api.ask(RECORD, staff, input=entered(world, clock))).data["recordPrice"]
    assert (recorded["averageFen"], recorded["fenPerJin"]) == (240, 120)
    today = date.fromisoformat(recorded["on"])
    public, own = nodes(await api.ask(TODAY, resident, name="白菜"), "todayPrices")
    assert (public["averageFen"], public["market"]["source"], public["market"]["staleSince"]) == (100, "XINFADI", None)
    assert public["dayBefore"] == {"on": str(today - timedelta(days=2)), "fen": 102, "changeFen": -2}
    assert public["weekBefore"] == {"on": str(today - timedelta(days=9)), "changeFen": -9}
    assert public["elsewhere"] == [{"fenPerJin": 120, "market": {"name": "a111"}}]
    assert (own["unit"], own["fenPerJin"], own["dayBefore"], own["weekBefore"]) == ("公斤", 120, None, None)
    assert own["elsewhere"] == [{"fenPerJin": 100, "market": {"name": "北京新发地"}}]


async def test_markets_say_since_when_they_are_stale(api: Api, world: World, clock: Clock) -> None:
    await published(world, clock, 3)
    staff, resident = await cast_of(world, "staff"), await cast_of(world, "resident")
    await api.ask(RECORD, staff, input=entered(world, clock))
    public, own = nodes(await api.ask(MARKETS, resident), "markets")
    assert (public["staleSince"], public["compound"]) == (public["latestOn"], None)
    assert public["indices"] == [{"on": own["latestOn"], "name": "vegetableBasket", "hundredths": 11621}]
    assert (own["source"], own["staleSince"], own["compound"], own["indices"]) == ("OFFICE", None, {"name": "a111"}, [])


async def test_lists_are_filtered_and_paged(api: Api, world: World, clock: Clock) -> None:
    await published(world, clock, 0, 1, 2, 29, 30)
    resident = await cast_of(world, "resident")
    (market,) = nodes(await api.ask(MARKETS, resident), "markets")
    for given, count in (
        ({"market": market["id"]}, 1), ({"category": "FRUIT"}, 0), ({"name": "%"}, 0), ({"name": " 大白"}, 1),
    ):  # fmt: skip
        assert len(nodes(await api.ask(TODAY, resident, **given), "todayPrices")) == count, given
    assert (await api.ask(TODAY, resident, market=global_id("Market", 99))).codes == ["NOT_FOUND"]
    whole = await api.ask(HISTORY, resident, name="大白菜", days=30)
    assert [node["averageFen"] for node in nodes(whole, "priceHistory")] == [100, 101, 102, 129]
    first = await api.ask(HISTORY, resident, name="大白菜", days=30, first=3)
    rest = await api.ask(
        HISTORY, resident, name="大白菜", days=30, after=first.data["priceHistory"]["pageInfo"]["endCursor"]
    )
    assert nodes(first, "priceHistory") + nodes(rest, "priceHistory") == nodes(whole, "priceHistory")
    assert (await api.ask(HISTORY, resident, days=30, after="WyJ4IiwxXQ")).codes == ["BAD_CURSOR"]


@pytest.mark.parametrize("who", [Cast.RESIDENT, Cast.SIBLING_STAFF, Cast.GUEST, Cast.COUNTY])
async def test_only_the_office_enters_and_withdraws(api: Api, world: World, clock: Clock, who: Cast) -> None:
    manager, person = await cast_of(world, "manager"), await cast_of(world, who)
    assert (await api.ask(RECORD, person, input=entered(world, clock))).codes == ["NOT_FOUND"]
    price = (await api.ask(RECORD, manager, input=entered(world, clock))).data["recordPrice"]["id"]
    assert (await api.ask(WITHDRAW, person, id=price)).codes == ["NOT_FOUND"]
    assert (await api.ask(WITHDRAW, manager, id=price)).data == {"withdrawPrice": True}
    assert (await api.ask(WITHDRAW, manager, id=price)).codes == ["NOT_FOUND"]


async def test_a_list_is_previewed_mended_and_imported(api: Api, world: World, clock: Clock) -> None:
    staff = await cast_of(world, "staff")
    given = {"compound": global_id("Area", world.areas["a111"]), "day": entered(world, clock)["day"]}

    async def bring(csv: str, *, preview: bool, by: Person = staff, **more: Any) -> Answer:
        return await api.ask(IMPORT, by, csv=csv, preview=preview, **(given | more))

    bad = "品名,平均价,单位\n大白菜,1.20,斤\n菠菜,两块,斤\n"
    for preview in (True, False):
        told = (await bring(bad, preview=preview, language="zh-CN")).data["importPrices"]
        assert (told["stored"], [each["name"] for each in told["lines"]]) == (0, ["大白菜"])
        (error,) = told["errors"]
        assert (error["line"], error["code"], error["field"]) == (3, "INVALID_AMOUNT", "average")
        assert error["message"] == "金额格式不正确，最多两位小数"
    good = bad.replace("两块", "2.5")
    assert (await bring(good, preview=True)).data["importPrices"]["stored"] == 0
    assert nodes(await api.ask(TODAY, staff), "todayPrices") == []
    assert (await bring(good, preview=False)).data["importPrices"]["stored"] == 2
    assert (await bring(good, preview=False)).data["importPrices"]["stored"] == 0
    assert [node["fenPerJin"] for node in nodes(await api.ask(TODAY, staff), "todayPrices")] == [120, 250]
    assert (await bring("白菜", preview=True)).codes == ["INVALID_TABLE"]
    assert (await bring(good, preview=True, day="2999-01-01")).codes == ["INVALID_DAY"]
    assert (await bring(good, preview=True, by=await cast_of(world, "resident"))).codes == ["NOT_FOUND"]
    elsewhere = global_id("Area", world.areas["a112"])
    assert (await bring(good, preview=True, compound=elsewhere)).codes == ["NOT_FOUND"]


async def test_a_resident_waits_for_a_low_price(api: Api, world: World, clock: Clock) -> None:
    await published(world, clock, 0)
    staff, resident = await cast_of(world, "staff"), await cast_of(world, "resident")
    neighbour = await cast_of(world, "neighbour")
    await api.ask(RECORD, staff, input=entered(world, clock))
    market = nodes(await api.ask(MARKETS, resident), "markets")[1]["id"]
    alert = (await api.ask(WAIT, resident, market=market, name=" 大白菜 ", below=110)).data["createPriceAlert"]
    assert alert.pop("id")
    assert alert == {"name": "大白菜", "belowFen": 110, "toldOn": None, "market": {"name": "a111"}}
    assert (await api.ask(WAIT, resident, market=market, name="大白菜", below=90)).codes == ["PRICE_ALERT_EXISTS"]
    assert (await api.ask(WAIT, resident, market=market, name="葱", below=0)).codes == ["INVALID_PRICE"]
    assert (await api.ask(WAIT, staff, market=market, name="大白菜", below=90)).codes == ["NOT_FOUND"]
    await api.ask(RECORD, staff, input=entered(world, clock, averageFen=200))
    (told,) = nodes(await api.ask(ALERTS, resident), "priceAlerts")
    assert told["toldOn"] == entered(world, clock)["day"]
    assert nodes(await api.ask(ALERTS, neighbour), "priceAlerts") == []
    assert (await api.ask(STOP, neighbour, id=told["id"])).codes == ["NOT_FOUND"]
    assert (await api.ask(STOP, resident, id=told["id"])).data == {"deletePriceAlert": True}
    assert nodes(await api.ask(ALERTS, resident), "priceAlerts") == []


async def test_a_page_of_prices_takes_the_same_statements_whatever_its_length(
    api: Api, world: World, clock: Clock, statements: Statements
) -> None:
    resident, counts = await cast_of(world, "resident"), []
    await api.token(resident)
    for turn in range(2):
        await published(world, clock, 0, name=f"菜{turn}")
        clock.advance(days=1)
        api._tokens.clear()
        await api.token(resident)
        with statements.counted() as seen:
            assert (await api.ask(TODAY, resident)).errors == []
        counts.append(len(seen))
    assert counts[0] == counts[1]
