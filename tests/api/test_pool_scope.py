"""A scope ends with its transaction: a thousand interleaved requests of six tenants over a pool of three connections.

Among them are refusals, statements that run out of time waiting for a lock, clients that hang up, and operations
cancelled half-way. At every checkout the connection is asked, before anybody uses it, what is left of the last scope.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from sqlalchemy import event

from api.app import create_app
from api.nodes import global_id
from cli.token import token_for
from domain.kernel.actor import Role, Scope
from integrations.bootstrap import Services, bootstrap
from tests.api.execution.serving import Client, client
from tests.factories.api import schema
from tests.factories.ingest import Ingest, settings_for
from tests.factories.patience import PATIENCE
from tests.factories.processes import served
from tests.factories.world import World

COMPOUNDS = ("a111", "a112", "a211", "b111")
TENANTS = {
    **{name: (Role.PROPERTY_STAFF, name, (name,)) for name in COMPOUNDS},
    "police": (Role.COMMUNITY_POLICE, "a11", ("a111", "a112")),
    "county": (Role.COUNTY_OPERATOR, "a", ("a111", "a112", "a211")),
}
POOL, REQUESTS, AT_ONCE = 3, 1_000, 32
LOCK_SECONDS = 0.1  # not a statement's own time: a busy machine must not make others fail
FIRE = {"id": "f", "type": "sensor", "data": {"smoke": True}}
OWN = "{ areas(level: COMPOUND, first: 9) { edges { node { name } } } devices(first: 9) { edges { node { name } } } }"
NODE = "query($id: ID!) { node(id: $id) { id ... on Alert { device { name } } } }"
ACKNOWLEDGE = "mutation($id: ID!) { acknowledgeAlert(id: $id) { id } }"
LEFT = ", ".join(f"nullif(current_setting('app.{f.name}', true), '')" for f in fields(Scope))
PROBE = f"""
select array_remove(array[{LEFT}], null),
  (select count(*) from area) + (select count(*) from device) + (select count(*) from alert)
"""


@dataclass
class Probe:
    """What connections carried when they were given out: settings, an open transaction, rows without a scope."""

    checkouts: int = 0
    settings: list[str] = field(default_factory=list)
    in_transaction: int = 0
    rows: int = 0

    def watch(self, services: Services) -> None:
        event.listen(services.engine.sync_engine, "checkout", self._checkout)

    def _checkout(self, connection: Any, *_: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(PROBE)
        settings, rows = cursor.fetchone()
        cursor.close()
        self.checkouts += 1
        self.settings += settings
        self.in_transaction += connection.driver_connection.is_in_transaction()
        self.rows += rows


@dataclass
class Tenant:
    """Somebody with a role, what they may see, and a WebSocket of theirs."""

    headers: dict[str, str]
    sees: tuple[str, ...]
    socket: Client
    sent: int = 0

    @property
    def foreign(self) -> list[str]:
        return [name for name in COMPOUNDS if name not in self.sees]


@dataclass
class Stage:
    """The served application. alerts: per compound one to work on and one whose row somebody else holds locked."""

    http: httpx.AsyncClient
    port: int
    tenants: dict[str, Tenant]
    alerts: dict[str, tuple[str, str]]
    probe: Probe
    seen: Counter[str] = field(default_factory=Counter)
    turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def ask(self, tenant: Tenant, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = await self.http.post("/graphql", json=body, headers=tenant.headers)
        assert [name for name in tenant.foreign if f"canary {name}" in answer.text] == []
        return answer.json()

    async def own(self, tenant: Tenant, _: random.Random) -> None:
        data = (await self.ask(tenant, OWN))["data"]
        assert {e["node"]["name"] for e in data["areas"]["edges"]} == set(tenant.sees)
        devices = sorted(e["node"]["name"] for e in data["devices"]["edges"])
        assert devices == sorted(2 * [f"canary {name}" for name in tenant.sees])

    async def foreign(self, tenant: Tenant, rng: random.Random) -> None:
        answer = await self.ask(tenant, NODE, id=self.alerts[rng.choice(tenant.foreign)][0])
        assert [e["extensions"]["code"] for e in answer["errors"]] == ["NOT_FOUND"]

    async def refused(self, tenant: Tenant, rng: random.Random) -> None:
        answer = await self.ask(tenant, ACKNOWLEDGE, id=self.alerts[rng.choice(tenant.foreign)][0])
        assert [e["extensions"]["code"] for e in answer["errors"]] == ["NOT_FOUND"]

    async def written(self, tenant: Tenant, rng: random.Random) -> None:
        alert = self.alerts[rng.choice(tenant.sees)][0]
        async with self.turns[alert]:  # two at once would wait for each other
            answer = await self.ask(tenant, ACKNOWLEDGE, id=alert)
        told = [e["extensions"]["code"] for e in answer.get("errors", ())]
        assert answer["data"] == {"acknowledgeAlert": {"id": alert}} or told == ["ALREADY_ACKNOWLEDGED"]

    async def timed_out(self, tenant: Tenant, rng: random.Random) -> None:
        answer = await self.ask(tenant, ACKNOWLEDGE, id=self.alerts[rng.choice(tenant.sees)][1])
        assert [e["extensions"]["kind"] for e in answer["errors"]] == ["internal"]

    async def hung_up(self, tenant: Tenant, rng: random.Random) -> None:
        """The client is gone before the answer, of a read or of a write that waits."""
        query = rng.choice([OWN, f'mutation {{ acknowledgeAlert(id: "{self._held(tenant, rng)}") {{ id }} }}'])
        request = self.http.build_request("POST", "/graphql", json={"query": query}, headers=tenant.headers)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        await writer.drain()
        writer.transport.abort()

    async def cancelled(self, tenant: Tenant, rng: random.Random) -> None:
        """Completed by the client while it runs: before, in, or after a statement."""
        tenant.sent += 1
        id_ = str(tenant.sent)
        query = rng.choice([(OWN, {}), (ACKNOWLEDGE, {"id": self._held(tenant, rng)})])
        await tenant.socket.subscribe(query[0], id_, **query[1])
        for _ in range(rng.randrange(4)):  # some time passes, by the server's own clock
            await self.http.get("/healthz")
        await tenant.socket.send({"id": id_, "type": "complete"})

    def _held(self, tenant: Tenant, rng: random.Random) -> str:
        return self.alerts[rng.choice(tenant.sees)][1]


KINDS: dict[str, tuple[int, Callable[[Stage, Tenant, random.Random], Any]]] = {
    "own": (57, Stage.own),
    "foreign": (8, Stage.foreign),
    "refused": (8, Stage.refused),
    "written": (8, Stage.written),
    "timed out": (3, Stage.timed_out),
    "hung up": (6, Stage.hung_up),
    "cancelled": (10, Stage.cancelled),
}


@asynccontextmanager
async def staged(url: str, folder: Path, superuser: asyncpg.Connection) -> AsyncIterator[Stage]:
    """Four compounds in two counties with two alerts each; the second of each is locked by another transaction."""
    settings = settings_for(url, folder, ZHIAN_PROFILE="production")
    async with AsyncExitStack() as stack:
        name = await superuser.fetchval("select current_database()")
        await superuser.execute(f"alter database {name} set lock_timeout = '{LOCK_SECONDS * 1000:.0f}ms'")
        services = await stack.enter_async_context(bootstrap(settings, pool_size=POOL))
        app = create_app(services)
        await stack.enter_async_context(app.router.lifespan_context(app))
        port = await stack.enter_async_context(served(app))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE))
        world = await World(services.database, services.vault).build(*COMPOUNDS)
        ingest = Ingest(services, app, http, world, superuser)
        alerts = {}
        for compound in COMPOUNDS:
            for _ in range(2):
                await ingest.say(await ingest.device(compound=compound, name=f"canary {compound}"), FIRE)
            rows = await superuser.fetch(
                "select id from alert where compound_id = $1 order by id", world.areas[compound]
            )
            first, second = (global_id("Alert", f"{world.areas[compound]}.{row['id']}") for row in rows)
            alerts[compound] = (str(first), str(second))
        tenants = {}
        for who, (role, area, sees) in TENANTS.items():
            person = await world.with_role(role, area)
            token = await token_for(settings, person.phone)
            socket = await stack.enter_async_context(client(f"127.0.0.1:{port}", max_queue=None))
            await socket.initialise(authorization=f"Bearer {token}")
            tenants[who] = Tenant({"authorization": f"Bearer {token}"}, sees, socket)
        locked = superuser.transaction()
        await locked.start()
        await superuser.execute(
            "select from alert where id in (select max(id) from alert group by compound_id) for update"
        )
        probe = Probe()
        probe.watch(services)
        yield Stage(http, port, tenants, alerts, probe)
        await locked.rollback()


async def run(stage: Stage, requests: int, seed: int = 1) -> None:
    """Requests of random kinds by random tenants, many at once."""
    rng = random.Random(seed)
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(kind: str, who: str, own: random.Random) -> None:
        async with at_once:
            await KINDS[kind][1](stage, stage.tenants[who], own)
            stage.seen[kind] += 1

    kinds = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()], k=requests)
    plan = [(kind, rng.choice(list(stage.tenants)), random.Random(rng.random())) for kind in kinds]
    async with asyncio.TaskGroup() as group:
        for kind, who, own in plan:
            group.create_task(one(kind, who, own))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One schema for all tests, and no logs: hundreds of statements run out of time here."""
    monkeypatch.setattr("api.app.build_schema", schema)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


async def test_no_scope_survives_into_the_next_checkout(
    database_url: str, tmp_path: Path, superuser: asyncpg.Connection
) -> None:
    async with staged(database_url, tmp_path, superuser) as stage:
        await run(stage, REQUESTS)
        for tenant in stage.tenants.values():  # whatever was cancelled or left behind, everybody is served
            await stage.own(tenant, random.Random(0))
        probe = stage.probe
    assert stage.seen.total() == REQUESTS
    assert (probe.settings, probe.in_transaction, probe.rows) == ([], 0, 0)
    assert probe.checkouts > REQUESTS
    assert min(stage.seen[kind] for kind in KINDS) > 10


async def test_a_build_that_sets_for_the_session_is_found_out(
    database_url: str, tmp_path: Path, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = Scope.settings

    async with staged(database_url, tmp_path, superuser) as stage:
        monkeypatch.setattr(Scope, "settings", lambda self: local(self).replace("SET LOCAL", "SET"))
        await run(stage, 30)
        probe = stage.probe
    assert probe.settings
    assert probe.rows
