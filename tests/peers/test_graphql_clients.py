"""Clients nobody here wrote, on the application itself: feed, query, mutations, and the feed again where it was left.

PostgreSQL and Valkey are real; the alerts are fires that devices push.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.app import create_app
from api.nodes import global_id
from cli.token import token_for
from domain.kernel.actor import Role
from domain.kernel.paging import LogCursor
from tests.factories.ingest import Ingest
from tests.factories.processes import served
from tests.peers.conftest import RunPeer

pytestmark = pytest.mark.peer

FEED = (
    "subscription Feed($after: String) { alertFeed(after: $after) { cursor change alert { id state acknowledged } } }"
)
QUERY = "query Mine { viewer { account { phone } } alerts(first: 10) { edges { node { id kind } } } }"
ACKNOWLEDGE = "mutation Seen($id: ID!) { acknowledgeAlert(id: $id) { id acknowledged } }"
RESOLVE = 'mutation Over($id: ID!) { resolveAlert(id: $id, note: "锅烧干了") { id state note } }'
CHANGES = "select xid::text::bigint as xid, id from alert_change where compound_id = $1 order by xid, id"


@pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse", "apollo", "urql"])
async def test_client_queries_mutates_follows_and_resumes(client: str, real: Ingest, run_peer: RunPeer) -> None:
    staff = await real.world.with_role(Role.PROPERTY_STAFF, "a111")
    for compound in ("a111", "a112", "a111"):  # the one between is none of theirs
        await real.say(await real.device(compound=compound), {"id": "f", "type": "sensor", "data": {"smoke": True}})
    token = await token_for(real.services.settings, staff.phone)
    first, second = await alerts_of(real, "a111")
    async with served(real.app) as port:
        seen = await run_peer(
            f"{client}.mjs",
            {
                "http": f"http://127.0.0.1:{port}/graphql",
                "ws": f"ws://127.0.0.1:{port}/graphql",
                "headers": {"authorization": f"Bearer {token}"},
                "query": {"query": QUERY},
                "mutations": [{"query": ACKNOWLEDGE, "variables": {"id": id_}} for id_ in (first, second)],
                "away": [{"query": RESOLVE, "variables": {"id": first}}],
                "subscription": FEED,
                "start": LogCursor(0, 0).encode(),
                "items": 4,
            },
        )
    assert seen["query"]["viewer"] == {"account": {"phone": staff.phone}}
    assert [e["node"] for e in seen["query"]["alerts"]["edges"]] == [
        {"id": i, "kind": "SMOKE"} for i in (second, first)
    ]
    assert seen["mutations"] == [
        {"acknowledgeAlert": {"id": first, "acknowledged": True}},
        {"acknowledgeAlert": {"id": second, "acknowledged": True}},
        {"resolveAlert": {"id": first, "state": "CLEARED", "note": "锅烧干了"}},
    ]
    items = [item["alertFeed"] for item in seen["items"]]
    heard = [(item["change"], item["alert"]["id"]) for item in items]
    assert heard == [
        ("RAISED", first),
        ("RAISED", second),
        ("ACKNOWLEDGED", first),
        ("ACKNOWLEDGED", second),
        ("CLEARED", first),
    ]
    changes = await real.stored.fetch(CHANGES, real.world.areas["a111"])
    assert [item["cursor"] for item in items] == [LogCursor(row["xid"], row["id"]).encode() for row in changes]


async def alerts_of(real: Ingest, compound: str) -> list[str]:
    """Global ids of the compound's alerts, oldest first."""
    rows = await real.stored.fetch(
        "select compound_id, id from alert where compound_id = $1 order by id", real.world.areas[compound]
    )
    return [global_id("Alert", f"{row['compound_id']}.{row['id']}") for row in rows]


@pytest.mark.parametrize(
    ("profile", "not_ok"),
    [("developer", set()), ("production", {"28B9", "2EA1", "5A70", "D6D5", "6A70"})],
)
async def test_graphql_http_audit(profile: str, not_ok: set[str], real: Ingest, run_peer: RunPeer) -> None:
    services = replace(real.services, settings=replace(real.services.settings, profile=profile))
    async with served(create_app(services)) as port:
        results = await run_peer("audit.mjs", f"http://127.0.0.1:{port}/graphql")
    assert len(results) == 61
    assert {r["id"] for r in results if r["status"] != "ok"} == not_ok, [r for r in results if r["status"] != "ok"]
