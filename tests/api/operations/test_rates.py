"""Rates of the real application, counted in real Valkey: by account and by address, by role, and about nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from domain.kernel.actor import Role
from tests.factories.api import schema
from tests.factories.ingest import Ingest, plain_logs, running, settings_for
from tests.factories.world import Person, World

AREAS = "{ areas(first: 5) { edges { node { id name } } } }"  # costs 21, and 1 to read it


@pytest.fixture
async def slow(
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    superuser: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Ingest]:
    """The application at a hundredth of its rates: 30 at once for nobody, 120 for residents, 600 for staff."""
    monkeypatch.setattr("api.app.build_schema", schema)
    settings = settings_for(database_url, tmp_path, ZHIAN_REDIS_URL=redis_url, ZHIAN_RATE_FACTOR="0.01")
    with plain_logs():
        async with running(settings, superuser) as made:
            yield made


async def token(slow: Ingest, person: Person) -> dict[str, str]:
    session = await World(slow.services.database, slow.services.vault).session(person)
    made, _ = slow.services.tokens.issue(
        account_id=session.account_id,
        session_id=session.session_id,
        token_version=session.token_version,
        now=slow.services.database.clock(),
    )
    return {"authorization": f"Bearer {made}"}


async def until_limited(slow: Ingest, headers: dict[str, str], most: int = 60) -> tuple[int, httpx.Response]:
    """How often it was answered before it was too much."""
    for number in range(most):
        answer = await slow.client.post("/graphql", json={"query": AREAS}, headers=headers)
        if answer.status_code == 429:
            return number, answer
    raise AssertionError(f"{most} operations were answered")


async def test_rates_are_by_role_and_each_account_has_its_own(slow: Ingest, redis_url: str) -> None:
    resident, neighbour = [await slow.world.living_in(f"a111/{door}") for door in (1, 2)]
    staff = await slow.world.with_role(Role.PROPERTY_STAFF, "a111")
    of_resident = await token(slow, resident)

    nobody, refused = await until_limited(slow, {})
    answered, _ = await until_limited(slow, of_resident)
    again, _ = await until_limited(slow, await token(slow, resident))
    by_neighbour, _ = await until_limited(slow, await token(slow, neighbour))
    by_staff, _ = await until_limited(slow, await token(slow, staff))

    assert (nobody, again) == (1, 0)
    assert answered in (5, 6)
    assert by_neighbour in (5, 6)
    assert 28 <= by_staff <= 40
    assert int(refused.headers["retry-after"]) >= 1
    error = refused.json()["errors"][0]["extensions"]
    assert error == {
        "code": "RATE_LIMITED",
        "kind": "limited",
        "retryAfter": int(refused.headers["retry-after"]),
        "params": {"retry_after": int(refused.headers["retry-after"])},
    }
    metrics = (await slow.client.get("/metrics")).text
    assert "zhian_operations_limited_total 5.0" in metrics
    assert "zhian_operations_counted_here_total 0.0" in metrics


async def test_valkey_learns_neither_accounts_nor_addresses(slow: Ingest, redis_url: str) -> None:
    resident = await slow.world.living_in("a111/1")
    await slow.client.post("/graphql", json={"query": AREAS})
    await slow.client.post("/graphql", json={"query": AREAS}, headers=await token(slow, resident))

    async with Redis.from_url(redis_url) as client:
        keys = [key.decode() async for key in client.scan_iter("zhian:spent:*")]

    vault = slow.services.vault
    whose = (f"account:{resident.id}", "client:127.0.0.1")
    assert set(keys) == {f"zhian:spent:{vault.index('rate_limit.cost', who).hex()}" for who in whose}
    assert all(len(key) == len("zhian:spent:") + 32 for key in keys)


async def test_without_valkey_the_process_counts_by_itself(slow: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow.services.spending, "away", True)
    monkeypatch.setattr(slow.services.spending, "_try_at", float("inf"))
    answered, _ = await until_limited(slow, await token(slow, await slow.world.living_in("a111/1")))
    assert answered in (5, 6)
    assert "zhian_operations_counted_here_total 0.0" not in (await slow.client.get("/metrics")).text


async def test_whoever_picks_addresses_in_a_network_of_theirs_is_one_client(
    database_url: str, tmp_path: Path, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one IPv6 client asks for codes, or tries some, as often as there are addresses in its /64."""
    monkeypatch.setattr("api.app.build_schema", schema)
    ask = "mutation($phone: String!) { requestSignInCode(phone: $phone) { expiresIn } }"
    enter = 'mutation($phone: String!) { signIn(phone: $phone, code: "000000") { accessToken } }'

    async def code(made: Ingest, address: str, number: int, operation: str) -> str:
        transport = httpx.ASGITransport(made.app, client=(address, 1))
        asked = {"query": operation, "variables": {"phone": f"+861380000{number:04d}"}}
        async with httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as peer:
            said = (await peer.post("/graphql", json=asked)).json()
        return str(said["errors"][0]["extensions"]["code"]) if "errors" in said else "sent"

    with plain_logs():
        async with running(settings_for(database_url, tmp_path), superuser) as made:
            now = made.services.database.clock()
            made.services.database.clock = lambda: now
            for operation, burst, fine in ((ask, 20, "sent"), (enter, 60, "WRONG_CODE")):
                said = [await code(made, f"2001:db8::{n:x}", n, operation) for n in range(burst + 1)]
                assert said == [fine] * burst + ["RATE_LIMITED"]
                assert await code(made, "2001:db8:0:1::1", 500, operation) == fine  # another's network
