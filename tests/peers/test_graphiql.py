"""The developer page in a browser: from our own origin alone, under its policy; and what it says without scripts."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from api.app import create_app
from cli.token import token_for
from domain.kernel.actor import Role
from integrations import graphiql
from tests.factories.ingest import Ingest
from tests.factories.processes import served
from tests.peers.conftest import RunPeer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TABS = ["AskForCode", "WhoAmI", "OpenAlerts", "AlertFeed", "Acknowledge", "Devices", "EBikes"]
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)"),
]


def with_page(real: Ingest, folder: Path) -> Starlette:
    """The application in the developer profile, its page's scripts in ``folder``."""
    settings = replace(real.services.settings, profile="developer", graphiql_dir=folder)
    return create_app(replace(real.services, settings=settings))


async def test_a_person_runs_a_query_and_sees_an_alert_arrive(real: Ingest, run_peer: RunPeer, tmp_path: Path) -> None:
    folder = graphiql.default_folder()
    graphiql.fetch(folder, environ=os.environ)
    app = with_page(real, folder)
    staff = await real.world.with_role(Role.PROPERTY_STAFF, "a111")
    device = await real.device(place="锅炉房")
    fire = {"id": "f", "type": "sensor", "data": {"smoke": True}}
    async with app.router.lifespan_context(app), served(app) as port:
        base = f"http://127.0.0.1:{port}"
        seen = await run_peer(
            "graphiql.mjs",
            {
                "journey": "whole",
                "chromium": CHROMIUM,
                "url": f"{base}/graphql",
                "metrics": f"{base}/metrics",
                "token": await token_for(real.services.settings, staff.phone),
                "expected": staff.phone,
                "push": {"url": f"{base}/devices/events", "headers": device.bearer, "body": fire},
                "shots": str(tmp_path),
            },
        )
    assert seen["complaints"] == []
    assert seen["requested"] == [f"http:127.0.0.1:{port}"]
    assert [name.strip() for name in seen["tabs"]] == TABS
    assert "subscription: Subscription" in seen["docs"]
    for text in ("RAISED", "SMOKE", "锅炉房", "Smoke detected"):
        assert text in seen["heard"]


async def test_without_its_scripts_the_page_says_what_to_do(real: Ingest, run_peer: RunPeer, tmp_path: Path) -> None:
    async with served(with_page(real, tmp_path / "nothing")) as port:
        url = f"http://127.0.0.1:{port}/graphql"
        seen: dict[str, Any] = await run_peer(
            "graphiql.mjs", {"journey": "absent", "chromium": CHROMIUM, "url": url, "shots": str(tmp_path)}
        )
    assert "zhian graphiql" in seen["text"]
    assert "ZHIAN_NPM_REGISTRY" in seen["text"]
    assert "尚未就绪" in seen["text"]
    assert seen["requested"] == [f"http:127.0.0.1:{port}"]
