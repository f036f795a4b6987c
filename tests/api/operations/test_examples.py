"""The page for developers, and the operations that it offers: each is valid and does what it says."""

from __future__ import annotations

import re

import httpx
import orjson
import pytest
from graphql import OperationDefinitionNode, parse, validate

from api.app import create_app
from api.page import examples
from tests.factories.api import schema
from tests.factories.ingest import Ingest


def operations() -> dict[str, str]:
    return examples()


def test_they_cover_the_journey_from_signing_in_to_the_live_alarm() -> None:
    names = list(operations())

    assert [int(name.partition("_")[0]) for name in names] == list(range(1, len(names) + 1))
    said = " ".join(operations().values())
    for field in ("requestSignInCode", "signIn", "alerts", "alertFeed", "devices", "acknowledgeAlert", "armEBike"):
        assert re.search(rf"\b{field}\b", said), field


@pytest.mark.parametrize("name", operations())
def test_it_is_valid(name: str) -> None:
    document = parse(operations()[name])

    assert validate(schema()._schema, document) == []
    named = [node.name for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    assert all(named)


async def test_the_page_holds_them_for_developers_and_is_not_there_in_production(ingest: Ingest) -> None:
    page = await ingest.client.get("/graphql", headers={"Accept": "text/html"})
    found = re.search(r"const examples = (\[.*?\]);\n", page.text, re.DOTALL)

    assert page.status_code == 200
    assert found
    assert orjson.loads(found[1]) == list(operations().values())
    assert "</script" not in found[1]
    assert "https://" not in page.text.replace("https://registry.npmmirror.com", "")
    nonce = re.search(r"script-src 'nonce-([\w-]+)';", page.headers["content-security-policy"])
    assert nonce
    assert page.text.count(f'<script nonce="{nonce[1]}"') == page.text.count("<script") == 4
    again = await ingest.client.get("/graphql", headers={"Accept": "text/html"})
    assert nonce[1] not in again.text

    object.__setattr__(ingest.services.settings, "profile", "production")
    transport = httpx.ASGITransport(create_app(ingest.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as client:
        answer = await client.get("/graphql", headers={"Accept": "text/html"})
    assert "graphiql" not in answer.text.lower()
