"""The schema behind its endpoint: headers become an actor, a language and an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Route

from api.auth import Identity
from api.context import Context, make_context
from api.errors import format_error
from api.execution.endpoint import GraphQLEndpoint
from api.identity.jwks import jwks_route
from domain.kernel.actor import Role
from tests.factories.api import Api, schema
from tests.factories.world import World

VIEWER = {"query": "{ viewer { account { phone } } }"}


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async def authenticate(credentials: Mapping[str, str]) -> Identity:
        return await api.authenticator.identify(credentials.get("authorization"))

    def context(identity: Identity, connection: HTTPConnection) -> Context:
        language = connection.headers.get("accept-language")
        return make_context(identity.actor, services=api.services, language=identity.language, accept_language=language)

    endpoint = GraphQLEndpoint(
        schema(),
        authenticate=authenticate,
        make_context=context,
        format_error=format_error,
        clock=api.services.database.clock,
    )
    keys = api.services.tokens.keys
    app = Starlette(routes=[Route("/graphql", endpoint), jwks_route(keys)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as made:
        yield made


async def test_a_bearer_token_is_the_viewer(client: httpx.AsyncClient, api: Api, world: World) -> None:
    person = await world.with_role(Role.PROPERTY_STAFF, "a111")
    headers = {"authorization": f"Bearer {await api.token(person)}"}
    answer = await client.post("/graphql", json=VIEWER, headers=headers)
    assert answer.json() == {"data": {"viewer": {"account": {"phone": person.phone}}}}


@pytest.mark.parametrize(
    ("language", "message"),
    [("en-GB,en;q=0.9", "Please sign in"), ("zh-CN", "请先登录"), ("fr, zh;q=0.5", "请先登录"), ("", "请先登录")],
)
async def test_without_a_token_the_answer_is_to_sign_in(client: httpx.AsyncClient, language: str, message: str) -> None:
    answer = await client.post("/graphql", json=VIEWER, headers={"accept-language": language})
    (error,) = answer.json()["errors"]
    assert error["message"] == message
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "kind": "unauthenticated"}


async def test_a_forged_token_is_no_token(client: httpx.AsyncClient, api: Api, world: World) -> None:
    token = await api.token(await world.person())
    answer = await client.post("/graphql", json=VIEWER, headers={"authorization": f"Bearer {token}x"})
    assert "data" not in answer.json()
    assert answer.status_code in (200, 401)
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_anybody_verifies_a_token_with_the_public_keys(client: httpx.AsyncClient, api: Api, world: World) -> None:
    person = await world.person()
    token = await api.token(person)
    answer = await client.get("/.well-known/jwks.json")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    (key,) = jwt.PyJWKSet.from_dict(answer.json()).keys
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="zhian", issuer="https://zhian.test")
    assert claims["sub"] == str(person.id)
    assert jwt.get_unverified_header(token)["kid"] == key.key_id
