"""What the developer page loads: served from the folder they were fetched to, once they are there, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from integrations.graphiql import EDITION, FILES
from tests.factories.ingest import Ingest


def client(ingest: Ingest, folder: Path, profile: str = "developer") -> httpx.AsyncClient:
    settings = replace(ingest.services.settings, graphiql_dir=folder, profile=profile)
    app = create_app(replace(ingest.services, settings=settings))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://zhian.test")


async def test_they_are_found_as_soon_as_they_are_fetched(ingest: Ingest, tmp_path: Path) -> None:
    folder = tmp_path / "graphiql"
    async with client(ingest, folder) as http:
        assert (await http.get(f"/graphiql/{EDITION}/react.js")).status_code == 404
        (folder / EDITION).mkdir(parents=True)
        for name in FILES:
            (folder / EDITION / name).write_text(name)
        page = (await http.get("/graphql", headers={"Accept": "text/html"})).text
        for name in FILES:
            assert f'"/graphiql/{EDITION}/{name}"' in page
            found = await http.get(f"/graphiql/{EDITION}/{name}")
            assert (found.status_code, found.text) == (200, name)
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            assert found.headers["content-type"].startswith(kind)
            assert "immutable" in found.headers["cache-control"]


@pytest.mark.parametrize("path", ["other/react.js", f"{EDITION}/secret.js", f"{EDITION}/..%2Fsecret.js", EDITION])
async def test_nothing_else_is(ingest: Ingest, tmp_path: Path, path: str) -> None:
    (tmp_path / EDITION).mkdir()
    for place in (tmp_path, tmp_path / EDITION):
        (place / "secret.js").write_text("secret")
    async with client(ingest, tmp_path) as http:
        assert (await http.get(f"/graphiql/{path}")).status_code == 404


async def test_in_production_none_is(ingest: Ingest, tmp_path: Path) -> None:
    (tmp_path / EDITION).mkdir()
    (tmp_path / EDITION / "react.js").write_text("")
    async with client(ingest, tmp_path, "production") as http:
        assert (await http.get(f"/graphiql/{EDITION}/react.js")).status_code == 404
