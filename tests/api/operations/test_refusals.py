"""What is refused leaves a line in the log: what, where and by whom, and nothing of what was sent."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import structlog

from api.nodes import global_id
from domain.kernel.actor import Role
from tests.factories.ingest import Ingest

PHONE, CODE = "13800138000", "271828"
SIGN_IN = "mutation($phone: String!, $code: String!) { signIn(phone: $phone, code: $code) { accessToken } }"
PASSAGE = {"id": "p-1", "type": "heartbeat", "data": {}}
Lines = list[structlog.typing.EventDict]


async def asked(ingest: Ingest, query: str, **variables: Any) -> tuple[httpx.Response, Lines]:
    """The answer, and the lines about refusals."""
    with structlog.testing.capture_logs() as lines:
        answer = await ingest.client.post("/graphql", json={"query": query, "variables": variables})
    return answer, [dict(line) for line in lines if line["event"] == "refused"]


async def test_a_wrong_code_is_recorded_without_phone_and_code(ingest: Ingest) -> None:
    answer, (line,) = await asked(ingest, SIGN_IN, phone=PHONE, code=CODE)

    assert answer.json()["errors"][0]["extensions"]["code"] == "WRONG_CODE"
    assert (line["code"], line["field"], line["account"]) == ("WRONG_CODE", "signIn", None)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert PHONE not in str(line)
    assert CODE not in str(line)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ alerts { edges { cursor } } }", "UNAUTHENTICATED"),
        ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(16)) + " }", "LIMIT_EXCEEDED"),
        ("not graphql", "GRAPHQL_PARSE_FAILED"),
    ],
    ids=["not signed in", "unknown", "too many aliases", "no document"],
)
async def test_attempts_at_the_guards_are_recorded(ingest: Ingest, query: str, code: str) -> None:
    answer, lines = await asked(ingest, query)

    assert {line["code"] for line in lines} == {error["extensions"]["code"] for error in answer.json()["errors"]}
    assert code in {line["code"] for line in lines}
    assert "nonsense" not in str(lines)


async def test_refused_devices_are_recorded_without_their_secrets(ingest: Ingest) -> None:
    gate = await ingest.device()
    wrong = "zd_" + "x" * 43
    tries: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Bearer {wrong}"}},
        {"auth": (str(gate.id), wrong)},
        {"headers": {"Authorization": wrong}},
    ]
    with structlog.testing.capture_logs() as lines:
        for how in tries:
            answer = await ingest.client.post("/devices/events", json=PASSAGE, **how)
            assert answer.status_code == 401
        await ingest.client.post(f"/devices/hikvision/{gate.id}/{wrong}", json=PASSAGE)
        await ingest.client.post("/devices/events", json=PASSAGE)  # Digest's first step

    refused = [(line["way"], line["claimed"]) for line in lines if line["event"] == "device_refused"]
    assert refused == [("bearer", None), ("basic", gate.id), ("other", None), ("path", gate.id)]
    assert wrong not in str([line for line in lines if line["event"] != "request"])


async def test_asking_for_what_is_out_of_sight_leaves_a_line(ingest: Ingest) -> None:
    theirs = await ingest.device(compound="a112", name="their gate")
    manager = await ingest.world.with_role(Role.PROPERTY_MANAGER, "a111")
    signed_in = await ingest.world.session(manager)
    token, _ = ingest.services.tokens.issue(
        account_id=signed_in.account_id,
        session_id=signed_in.session_id,
        token_version=signed_in.token_version,
        now=ingest.services.database.clock(),
    )
    ingest.client.headers["Authorization"] = f"Bearer {token}"
    out_of_sight = global_id("Device", theirs.id)
    asking = "query($id: ID!) { node(id: $id) { id } }", "mutation($id: ID!) { retireDevice(id: $id) { id } }"

    lines = [line for query in asking for line in (await asked(ingest, query, id=out_of_sight))[1]]

    told = [(line["code"], line["field"], line["account"]) for line in lines]
    assert told == [("NOT_FOUND", "node", manager.id), ("NOT_FOUND", "retireDevice", manager.id)]
    assert out_of_sight not in str(lines)
    assert "their gate" not in str(lines)
