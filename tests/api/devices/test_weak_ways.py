"""A deployment that allows no weak way in, as production does by itself: MD5 and path secrets are refused, also those
of devices that were once registered for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from domain.security.devices.secrets import WeakWay
from integrations.settings import read_settings
from tests.api.devices.test_digest import BODY, URL, ask, challenge, header
from tests.api.devices.test_logs import lines
from tests.factories.api import schema
from tests.factories.furnished import Furnished
from tests.factories.ingest import Ingest, plain_logs, running, settings_for

__all__ = ["lines"]
BOTH = frozenset(WeakWay)


@pytest.fixture
async def strict(
    two_compounds: Furnished,
    database_url: str,
    tmp_path: Path,
    superuser: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Ingest]:
    """The application where weak ways are refused."""
    monkeypatch.setattr("api.app.build_schema", schema)
    with plain_logs():
        settings = settings_for(database_url, tmp_path, ZHIAN_WEAK_DEVICE_AUTH="refuse")
        async with running(settings, superuser, two_compounds) as made:
            yield made


def test_production_refuses_them_unless_told_otherwise() -> None:
    given = {"ZHIAN_DATABASE_URL": "postgresql://x"}

    assert not read_settings(given).weak_device_auth
    assert read_settings({**given, "ZHIAN_PROFILE": "developer"}).weak_device_auth
    assert not read_settings(
        {**given, "ZHIAN_PROFILE": "developer", "ZHIAN_WEAK_DEVICE_AUTH": "refuse"}
    ).weak_device_auth
    assert read_settings({**given, "ZHIAN_WEAK_DEVICE_AUTH": "allow"}).weak_device_auth
    with pytest.raises(ValueError, match="ZHIAN_WEAK_DEVICE_AUTH"):
        read_settings({**given, "ZHIAN_WEAK_DEVICE_AUTH": "some"})


async def test_md5_is_neither_offered_nor_taken(strict: Ingest) -> None:
    gate = await strict.device("hikvision", weak_ways=BOTH)
    offered = (await strict.client.post(URL, content=BODY)).headers.get_list("www-authenticate")
    assert len(offered) == 1
    assert "algorithm=SHA-256," in offered[0]

    assert (await ask(strict, header(gate, await challenge(strict)))).status_code == 401
    assert (await strict.client.post(URL, content=BODY, auth=httpx.DigestAuth(*gate.login))).status_code == 200
    assert (await strict.tally())["received"] == 1


async def test_a_path_secret_answers_like_an_unknown_path(strict: Ingest) -> None:
    gate = await strict.device("hikvision", weak_ways=BOTH)

    right, wrong = await strict.push(gate, BODY), await strict.client.post(gate.path + "x", content=BODY)

    assert right.status_code == wrong.status_code == 404
    assert right.content == wrong.content
    assert (await strict.tally())["received"] == 0


async def test_who_is_shut_out_is_counted_and_logged_without_the_secret(strict: Ingest, lines: list[object]) -> None:
    gate = await strict.device("hikvision", weak_ways=BOTH)
    await strict.push(gate, BODY)
    await ask(strict, header(gate, await challenge(strict)))

    scraped = (await strict.client.get("/metrics")).text
    assert "zhian_pushes_refused_as_weak_total 2.0" in scraped
    assert "zhian_pushes_by_path_secret_total 0.0" in scraped
    refused = [line for line in lines if line["event"] == "device_refused" and line.get("weak")]  # type: ignore[index]
    assert {(line["way"], line["claimed"]) for line in refused} == {("path", gate.id), ("digest_md5", gate.id)}
    assert gate.secret.path_secret not in str(lines)
