"""deadLetters, node of a dead letter, retryDeadLetters: for county operators and their county, for nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import asyncpg
import pytest

from api.nodes import global_id
from api.outbox.types import error_code
from domain.kernel import relay
from domain.kernel.actor import NOTHING, Role, system_actor
from domain.kernel.outbox import DomainEvent
from domain.kernel.uow import Database, News
from tests.factories.api import Answer, Api
from tests.factories.cast import Cast, cast_of
from tests.factories.world import World
from workers.relay import describe

LIST = """query($first: Int, $after: String) { deadLetters(first: $first, after: $after) {
  edges { node { id name attempts lastError createdAt compound { name } } } pageInfo { hasNextPage endCursor } } }"""
NODE = "query($id: ID!) { node(id: $id) { ... on DeadLetter { name } } }"
RETRY = "mutation($ids: [ID!]!) { retryDeadLetters(ids: $ids) }"
ERROR = "NOT_FOUND from ValueError at service.py:33 prepare"
SYSTEM = system_actor(NOTHING)


@dataclass(frozen=True, slots=True)
class Lost(DomainEvent):
    """An event nobody could handle."""

    name: ClassVar[str] = "test.lost"

    secret: str = "13900000000"


async def bury(database: Database, *compounds: int | None) -> list[int]:
    """Dead letters of ``compounds``; their ids."""
    async with database.unit_of_work(SYSTEM) as uow:
        for compound in compounds:
            uow.emit(Lost(), compound_id=compound)
    async with database.unit_of_work(SYSTEM) as uow:
        claimed = await relay.claim(uow, (Lost.name,), limit=len(compounds), lease=timedelta(seconds=30))
        for event in claimed:
            await relay.bury(uow, event, error=ERROR)
    return [event.id for event in claimed]


@pytest.fixture
async def letters(clocked: Database, world: World) -> list[int]:
    """Of a111, of b111 in another county, and of no compound."""
    return await bury(clocked, world.areas["a111"], world.areas["b111"], None)


def letter_id(number: int) -> str:
    return global_id("DeadLetter", number)


def nodes(answer: Answer) -> list[dict[str, object]]:
    return [edge["node"] for edge in answer.data["deadLetters"]["edges"]]


async def states(superuser: asyncpg.Connection) -> list[tuple[str, int]]:
    rows = await superuser.fetch("select state, attempts from outbox_event where name = 'test.lost' order by id")
    return [(row["state"], row["attempts"]) for row in rows]


async def test_an_operator_sees_their_countys_letters_and_not_what_they_say(
    api: Api, world: World, letters: list[int]
) -> None:
    answer = await api.ask(LIST, await cast_of(world, "county"))

    (node,) = nodes(answer)
    created = node.pop("createdAt")
    assert isinstance(created, str)
    assert node == {
        "id": letter_id(letters[0]),
        "name": "test.lost",
        "attempts": 1,
        "lastError": "NOT_FOUND",
        "compound": {"name": "a111"},
    }
    assert Lost().secret not in str(answer.data)


@pytest.mark.parametrize("who", Cast)
async def test_each_reaches_the_letters_of_a_county_they_operate(
    api: Api, world: World, letters: list[int], superuser: asyncpg.Connection, who: Cast
) -> None:
    person = await cast_of(world, who)
    own = {Cast.COUNTY: 0, Cast.OTHER_COUNTY: 1}.get(who)
    listed = await api.ask(LIST, person)
    read = [(await api.ask(NODE, person, id=letter_id(number))).codes for number in letters]
    retried = await api.ask(RETRY, person, ids=[letter_id(number) for number in letters])

    if own is None:
        assert listed.codes == retried.codes == ["NOT_FOUND"]
        assert read == [["NOT_FOUND"]] * 3
        assert await states(superuser) == [("dead", 1)] * 3
    else:
        assert [node["id"] for node in nodes(listed)] == [letter_id(letters[own])]
        assert read == [[] if number == own else ["NOT_FOUND"] for number in range(3)]
        assert retried.data == {"retryDeadLetters": 1}
        assert await states(superuser) == [("pending", 0) if n == own else ("dead", 1) for n in range(3)]


async def test_nobody_is_asked_to_sign_in(api: Api, letters: list[int]) -> None:
    assert (await api.ask(LIST)).codes == ["UNAUTHENTICATED"]
    assert (await api.ask(RETRY, ids=[letter_id(letters[0])])).codes == ["UNAUTHENTICATED"]


async def test_another_role_in_another_county_adds_nothing(
    api: Api, world: World, letters: list[int], superuser: asyncpg.Connection
) -> None:
    """Operator of a, property staff in b: b's letters are seen by neither part."""
    person = await world.with_role(Role.PROPERTY_STAFF, "b111", await cast_of(world, "county"))

    assert [node["id"] for node in nodes(await api.ask(LIST, person))] == [letter_id(letters[0])]
    assert (await api.ask(RETRY, person, ids=[letter_id(letters[1])])).data == {"retryDeadLetters": 0}
    assert await states(superuser) == [("dead", 1)] * 3


async def test_retrying_wakes_the_relay_once_and_again_changes_nothing(
    api: Api, world: World, clocked: Database, letters: list[int], news: list[News]
) -> None:
    county = await cast_of(world, "county")
    news.clear()

    assert (await api.ask(RETRY, county, ids=[letter_id(letters[0])])).data == {"retryDeadLetters": 1}
    assert (await api.ask(RETRY, county, ids=[letter_id(letters[0])])).data == {"retryDeadLetters": 0}

    assert news == [News(frozenset({"outbox"}))]
    assert nodes(await api.ask(LIST, county)) == []
    async with clocked.unit_of_work(SYSTEM) as uow:
        again = await relay.claim(uow, (Lost.name,), limit=9, lease=timedelta(seconds=30))
    assert [(event.id, event.attempts, event.payload) for event in again] == [(letters[0], 1, Lost().payload())]


async def test_pages_follow_each_other(api: Api, world: World, clocked: Database) -> None:
    made = await bury(clocked, *[world.areas["a111"], world.areas["a211"], world.areas["a112"]])
    county = await cast_of(world, "county")
    first = await api.ask(LIST, county, first=2)
    info = first.data["deadLetters"]["pageInfo"]
    second = await api.ask(LIST, county, first=2, after=info["endCursor"])

    assert [node["id"] for node in nodes(first) + nodes(second)] == [letter_id(number) for number in made]
    assert info["hasNextPage"] is True
    assert second.data["deadLetters"]["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    ("ids", "codes"),
    [
        ([global_id("Alert", 1)], ["NOT_FOUND"]),
        ([global_id("DeadLetter", 2**63)], ["NOT_FOUND"]),
        ([letter_id(n) for n in range(1, 102)], ["TOO_MANY_LETTERS"]),
        ([], []),
    ],
)
async def test_odd_ids(api: Api, world: World, ids: list[str], codes: list[str]) -> None:
    assert (await api.ask(RETRY, await cast_of(world, "county"), ids=ids)).codes == codes


@pytest.mark.parametrize(
    ("said", "code"),
    [(None, None), ("WORKER_DIED at every attempt", "WORKER_DIED"), (describe(KeyError("x")), "KeyError")],
)
def test_the_code_is_the_first_word(said: str | None, code: str | None) -> None:
    assert error_code(said) == code
