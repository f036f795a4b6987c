"""Clients nobody here wrote: each holds a subscription, runs a query and two mutations, over the wire it prefers."""

from __future__ import annotations

import pytest

from api.execution.limits import DEVELOPER, PRODUCTION, Profile
from domain.kernel.paging import LogCursor
from tests.api.execution.serving import endpoint_of, serving
from tests.api.execution.toy import Toy, schema
from tests.peers.conftest import RunPeer

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse", "apollo", "urql"])
async def test_client_runs_query_mutation_and_subscription(client: str, run_peer: RunPeer) -> None:
    toy = Toy()
    start = LogCursor(toy.log.horizon, 0).encode()
    say = {"query": "mutation Say($text: String!) { say(text: $text) }", "variables": {"text": "火警"}}
    subscription = "subscription Feed($after: String) { toyFeed(after: $after) { cursor text } }"
    async with serving(endpoint_of(toy, schema, profile=PRODUCTION)) as host:
        seen = await run_peer(
            f"{client}.mjs",
            {
                "http": f"http://{host}/graphql",
                "ws": f"ws://{host}/graphql",
                "headers": {"authorization": "Bearer ming"},
                "query": {"query": "query Who { viewer }"},
                "mutation": say,
                "subscription": {"query": subscription, "variables": {"after": start}},
                "items": 2,
            },
        )
    said = [m["say"] for m in seen["mutations"]]
    assert seen["query"] == {"viewer": 1}
    assert said == [row.cursor.encode() for row in toy.log.rows]
    assert [i["toyFeed"] for i in seen["items"]] == [{"cursor": c, "text": "火警"} for c in said]


@pytest.mark.parametrize(
    ("profile", "not_ok"),
    [(DEVELOPER, set()), (PRODUCTION, {"28B9", "2EA1", "5A70", "D6D5", "6A70"})],
    ids=["developer", "production"],
)
async def test_graphql_http_audit(profile: Profile, not_ok: set[str], run_peer: RunPeer) -> None:
    async with serving(endpoint_of(Toy(), schema, profile=profile)) as host:
        results = await run_peer("audit.mjs", f"http://{host}/graphql")
    assert len(results) == 61
    assert {r["id"] for r in results if r["status"] != "ok"} == not_ok, [r for r in results if r["status"] != "ok"]
