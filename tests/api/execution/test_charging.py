"""What operations are charged, and how the answer looks when it is too much: on every transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from api.charging import neighbourhood
from api.execution.limits import BUDGETS, DEVELOPER, RATE, RATES, Limits, Rate
from domain.kernel.actor import Actor, Role
from domain.kernel.errors import Limited
from tests.api.execution.serving import client, endpoint_of, serving
from tests.api.execution.toy import Toy, schema
from tests.factories.patience import PATIENCE

PAGE = "query($n:Int){nodes(first:$n){edges{node{id}}}}"
STAFF = {"authorization": "Bearer ming"}


@dataclass
class Purse:
    """Books costs while there is something in it."""

    left: int = 10**9
    booked: list[tuple[int | None, str, int]] = field(default_factory=list)

    async def __call__(self, actor: Actor, client: str, cost: int) -> None:
        if cost > self.left:
            raise Limited(retry_after=7)
        self.left -= cost
        self.booked.append((actor.account_id, client, cost))


@asynccontextmanager
async def charged(purse: Purse, limits: Limits | None = None) -> AsyncIterator[httpx.AsyncClient]:
    endpoint = endpoint_of(Toy(), schema, limits=limits, charge=purse, profile=DEVELOPER)
    async with serving(endpoint) as host, httpx.AsyncClient(base_url=f"http://{host}", timeout=PATIENCE) as http:
        yield http


async def ask(http: httpx.AsyncClient, query: str, headers: Any = None, **variables: Any) -> httpx.Response:
    return await http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def test_an_operation_costs_what_it_asks_for_and_a_new_text_what_reading_takes() -> None:
    purse = Purse()
    async with charged(purse) as http:
        for _ in range(2):
            assert (await ask(http, PAGE, STAFF, n=100)).status_code == 200
        await ask(http, PAGE, n=10)
    assert purse.booked == [(1, "127.0.0.1", 1), (1, "127.0.0.1", 301), (1, "127.0.0.1", 301), (None, "127.0.0.1", 31)]


async def test_what_is_refused_costs_its_reading_each_time() -> None:
    purse = Purse()
    wrong = "{" + " ".join(f"wrong{n}" for n in range(100)) + "}"
    async with charged(purse) as http:
        for text in (wrong, wrong, "#" * 50_000):
            await ask(http, text)
    assert [cost for _, _, cost in purse.booked] == [1 + len(wrong) // 100] * 2 + [201]


async def test_who_has_nothing_left_has_nothing_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.execution.documents.parse", None)
    async with charged(Purse(left=0)) as http:
        assert (await ask(http, "{hello}")).status_code == 429


@pytest.mark.parametrize("media", ["application/json", "application/graphql-response+json", "text/event-stream"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_too_much_is_429_with_the_time_to_wait(media: str, method: str) -> None:
    async with charged(Purse(left=1)) as http:
        how = {"params": {"query": "{hello}"}} if method == "GET" else {"json": {"query": "{hello}"}}
        answer = await http.request(method, "/graphql", headers={"accept": media}, **how)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert "data" not in answer.json()
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "RATE_LIMITED", "kind": "limited", "retryAfter": 7}


async def test_on_a_socket_too_much_ends_the_operation_and_not_the_socket() -> None:
    purse = Purse(left=2)
    async with (
        serving(endpoint_of(Toy(), schema, charge=purse)) as host,
        client(host) as socket,
    ):
        await socket.initialise(authorization="Bearer ming")
        await socket.subscribe("{hello}")
        assert [m["type"] for m in await socket.collect()] == ["next", "complete"]
        await socket.subscribe("subscription{count}", "2")
        (refused,) = await socket.collect("2")
        assert refused["type"] == "error"
        assert refused["payload"][0]["extensions"] == {"code": "RATE_LIMITED", "kind": "limited", "retryAfter": 7}
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
    assert purse.booked == [(1, "127.0.0.1", 1)] * 2


async def test_a_subscription_is_charged_when_it_begins() -> None:
    purse = Purse()
    async with serving(endpoint_of(Toy(), schema, charge=purse)) as host, client(host) as socket:
        await socket.initialise(authorization="Bearer ming")
        await socket.subscribe("subscription{count(to:50)}")
        assert len(await socket.collect()) == 51
    assert [cost for _, _, cost in purse.booked] == [1, 1]


async def test_the_budget_of_one_operation_is_by_role() -> None:
    limits = Limits(cost=300, budgets={"anonymous": 100, "property_staff": 400})
    async with charged(Purse(), limits) as http:
        codes = [(await ask(http, PAGE, who, n=100)).json().get("errors") for who in (None, STAFF)]
    assert codes[0][0]["extensions"]["code"] == "TOO_COSTLY"
    assert codes[1] is None


@pytest.mark.parametrize(
    ("roles", "budget", "rate"),
    [
        ({"anonymous"}, 500, Rate(50, 3_000)),
        ({"guest"}, 500, Rate(50, 3_000)),
        ({"resident"}, 5_000, RATE),
        ({Role.PROPERTY_STAFF}, 5_000, Rate(1_000, 60_000)),
        ({"resident", Role.COMMUNITY_POLICE}, 5_000, Rate(1_000, 60_000)),
        ({"resident", Role.COUNTY_OPERATOR}, 10_000, Rate(2_000, 120_000)),
    ],
)
def test_with_several_roles_the_largest_counts(roles: set[str], budget: int, rate: Rate) -> None:
    limits = Limits()
    assert (limits.budget(roles), limits.rate(roles)) == (budget, rate)


def test_every_role_can_run_an_operation_of_its_budget_and_every_name_is_a_role() -> None:
    limits = Limits()
    names = {*Role, "anonymous", "guest", "resident"}
    assert set(BUDGETS) <= names
    assert set(RATES) <= names
    for role in names:
        assert limits.rate({role}).burst >= 2 * limits.budget({role})


@pytest.mark.parametrize(
    ("client", "one"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_what_counts_as_one_client(client: str, one: str) -> None:
    assert neighbourhood(client) == one
