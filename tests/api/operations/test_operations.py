"""Liveness, readiness, metrics, and the name every request has."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.requests import shown
from tests.factories.ingest import Ingest

DOOR = {"id": "d-1", "type": "door", "data": {"state": "forced"}}


async def families(ingest: Ingest) -> dict[str, Any]:
    answer = await ingest.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


async def test_a_process_that_runs_is_alive_and_with_its_database_ready(ingest: Ingest) -> None:
    alive, ready = await ingest.client.get("/healthz"), await ingest.client.get("/readyz")

    assert (alive.status_code, alive.text) == (200, "ok")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "database": "ok"})


async def test_metrics_are_well_formed_and_named_for_what_they_are(ingest: Ingest) -> None:
    gate = await ingest.device()
    await ingest.say(gate, DOOR, DOOR, {"id": "x"})

    found = await families(ingest)

    assert all(re.fullmatch(r"zhian_[a-z_]+", name) for name in found)
    for family in found.values():
        assert family.documentation
        assert family.type == ("counter" if family.samples[0].name.endswith("_total") else "gauge")
        labels = [(sample.name, *sorted(sample.labels.items())) for sample in family.samples]
        assert len(set(labels)) == len(labels)
    one = {name: family.samples[0].value for name, family in found.items() if len(family.samples) == 1}
    assert (one["zhian_database_up"], one["zhian_outbox_pending"], one["zhian_outbox_dead"]) == (1, 1, 0)
    assert one["zhian_alerts_subscribers"] == one["zhian_open_connections"] == 0
    assert await ingest.metrics() == {
        ("http", "received"): 3,
        ("http", "stored"): 1,
        ("http", "duplicate"): 1,
        ("http", "quarantined"): 1,
        ("http", "late"): 0,
    }


async def test_metrics_name_no_device_and_no_person(ingest: Ingest) -> None:
    gate = await ingest.device()
    await ingest.say(gate, {"id": "p", "type": "passage", "data": {"decision": "granted", "card_no": "8812345678"}})

    text = (await ingest.client.get("/metrics")).text

    assert "8812345678" not in text
    assert gate.secret.credential not in text


@pytest.mark.parametrize("path", ["/healthz", "/devices/events", "/devices/hikvision/1/x", "/graphql", "/nowhere"])
async def test_every_answer_has_the_name_of_its_request(ingest: Ingest, path: str) -> None:
    named = await ingest.client.post(path, headers={"X-Request-Id": "front-0123456789"})
    unnamed = [(await ingest.client.get(path)).headers["x-request-id"] for _ in range(2)]

    assert named.headers["x-request-id"] == "front-0123456789"
    assert len(set(unnamed)) == 2
    assert all(re.fullmatch(r"[0-9a-f]{16}", name) for name in unnamed)


@pytest.mark.parametrize("name", ["short", "x" * 65, "with blank 12", "new\tline-123", "a/b-12345678", "名-12345678"])
async def test_a_name_that_could_forge_a_log_is_replaced(ingest: Ingest, name: str) -> None:
    answer = await ingest.client.get("/healthz", headers=[(b"x-request-id", name.encode())])

    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/graphql", "/graphql"),
        ("/devices/events", "/devices/events"),
        ("/devices/hikvision/17/s3cret", "/devices/hikvision/17/…"),
        ("/devices/hikvision/17/s3cret\nmore", "/devices/hikvision/17/…"),
        ("//devices//hikvision/17/s3cret", "//devices//hikvision/17/…"),
        ("/elsewhere/" + "s" * 43, "/elsewhere/…"),
        ("/devices/hikvision/" + "s" * 43 + "/x", "/devices/hikvision/…/x"),
    ],
)
def test_what_a_log_shows_of_a_path(path: str, logged: str) -> None:
    assert shown(path) == logged
