"""What the logs of pushes hold: the request's id, and never a secret, a query or somebody's number."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import pytest
import structlog

from domain.security.events import writing
from tests.factories.ingest import Ingest, Speaker

CARD = "8812345678"
PASSAGE = {"id": "p-1", "type": "passage", "data": {"decision": "granted", "card_no": CARD}}
Lines = list[structlog.typing.EventDict]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Every line of the log, as a processor at its end sees it."""
    said: Lines = []
    before = structlog.get_config()

    def keep(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        said.append(event)
        raise structlog.DropEvent

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            keep,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        cache_logger_on_first_use=False,
    )
    yield said
    structlog.configure(**before)


async def everything(ingest: Ingest, gate: Speaker) -> list[httpx.Response]:
    """Pushes of every kind, good and bad."""
    client, secret = ingest.client, gate.secret
    return [
        await client.post("/devices/events?token=query-secret", json=PASSAGE, headers=gate.bearer),
        await client.post("/devices/hikvision", json=PASSAGE, auth=httpx.DigestAuth(*gate.login)),
        await client.post("/devices/hikvision", json=PASSAGE, auth=gate.login),
        await client.post(gate.path, json=PASSAGE),
        await client.post(gate.path + "%0Amore", json=PASSAGE),
        await client.post(f"//devices/hikvision/{gate.id}/{secret.path_secret}", json=PASSAGE),
        await client.post(f"/devices/hikvision/x/{secret.path_secret}", json=PASSAGE),
        await client.post(f"/devices/hikvision/{secret.path_secret}", json=PASSAGE),
        await client.get(gate.path),
        await client.post("/devices/events", json=PASSAGE, headers={"Authorization": f"Basic {secret.credential}"}),
    ]


async def test_no_secret_and_no_query_is_logged(ingest: Ingest, lines: Lines) -> None:
    gate = await ingest.device("hikvision")

    await everything(ingest, gate)

    text = "\n".join(map(str, lines))
    requests = [line for line in lines if line["event"] == "request"]
    assert {"request_id", "method", "path", "status", "ms"} <= requests[0].keys()
    assert f"/devices/hikvision/{gate.id}/…" in {line["path"] for line in requests}
    for secret in (gate.secret.path_secret, gate.secret.credential, "query-secret", CARD):
        assert secret not in text


async def test_a_failing_database_call_names_nobody(
    ingest: Ingest, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = await ingest.device()
    monkeypatch.setattr(writing, "WRITE", writing.WRITE.replace("insert into inbox", "insert into nowhere"))

    named = gate.bearer | {"X-Request-Id": "r-12345678"}
    answer = await ingest.client.post("/devices/events", json=PASSAGE, headers=named)

    failed = [line for line in lines if line["event"] == "push_not_taken"]
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert [line["request_id"] for line in failed] == ["r-12345678"]
    assert "nowhere" in failed[0]["exception"]
    assert CARD not in str(lines)
