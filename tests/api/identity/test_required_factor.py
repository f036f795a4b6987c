"""Where a second factor is required, roles over other people's rows take effect, and end, with an authenticator."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from api.auth import Authenticator
from api.execution.access import Connections, Credentials, Farewell
from api.nodes import global_id
from api.permissions import LEAVES, NODES, ROOTS, passes
from cli.token import token_for
from domain.identity.policies import LEVEL_OF, SecondFactor, in_effect
from domain.kernel.actor import Actor, ActorKind, Grant, HomeRole, Household, Level, Role, Scope, Trust
from tests.factories.api import Api, schema
from tests.factories.authenticators import enrolled, scan
from tests.factories.ingest import plain_logs, running, settings_for
from tests.factories.patience import PATIENCE
from tests.factories.world import LONG_AGO, Person, World

AREA = {Level.COUNTY: "a", Level.TOWN: "a1", Level.COMMUNITY: "a11", Level.COMPOUND: "a111"}
OFFICIALS = [role for role in Role if role is not Role.SERVICE_WORKER]
GUEST = Actor(ActorKind.ACCOUNT, account_id=1)
AREAS = "{ areas(level: COMPOUND) { edges { node { name } } } }"
MINE = "{ viewer { secondFactorRequired roles { edges { node { role } } } } }"
ENROL = "mutation { enrolAuthenticator { secret enrolmentCodeNeeded } }"
CONFIRM = """mutation($code: String!, $shown: String! = "") {
  confirmAuthenticator(code: $code, enrolmentCode: $shown) { codes } }"""
ISSUE = "mutation($account: ID!) { issueEnrolmentCode(account: $account) { code expiresIn } }"
REMOVE = "mutation($code: String!) { removeAuthenticator(code: $code) }"


@pytest.fixture
def strict(api: Api) -> Api:
    """The API as in production."""
    services = api.services
    api.authenticator = Authenticator(services.database, services.tokens, second_factor=SecondFactor.REQUIRED)
    return api


async def actor_of(api: Api, person: Person) -> Actor:
    api.authenticator.forget([person.id])
    return await api.authenticator.authenticate(f"Bearer {await api.token(person)}")


@pytest.mark.parametrize("role", list(Role))
def test_every_role_but_a_service_workers_needs_one(role: Role) -> None:
    grants = (Grant(role, 1, LEVEL_OF[role]), Grant(Role.SERVICE_WORKER, 2, Level.COMPOUND))
    homes = (Household(9, 2, HomeRole.OWNER, Trust.OFFICE, LONG_AGO),)
    assert in_effect(SecondFactor.OPTIONAL, grants, homes) == (grants, homes)
    left = grants if role is Role.SERVICE_WORKER else grants[1:]
    assert in_effect(SecondFactor.REQUIRED, grants, homes) == (left, homes)
    assert in_effect(SecondFactor.EVERYBODY, grants, homes) == ((), ())


@pytest.mark.parametrize("role", OFFICIALS)
async def test_an_official_without_one_is_a_guest_at_every_gate(strict: Api, world: World, role: Role) -> None:
    person = await world.with_role(role, AREA[LEVEL_OF[role]])
    actor = await actor_of(strict, person)
    assert actor.roles == {"guest"}
    assert actor.scope == Scope(account=person.id)
    assert actor.lacks_second_factor
    for rule in (*ROOTS.values(), *NODES.values(), *LEAVES.values()):
        assert passes(actor, rule) is passes(GUEST, rule)
    await enrolled(world, person)
    again = await strict.authenticator.authenticate(f"Bearer {await _token(strict, person)}")
    assert again.roles == {str(role)}
    assert not again.lacks_second_factor


async def _token(api: Api, person: Person) -> str:
    """Of a new sign-in: enrolling on another one ended the first."""
    api._tokens.pop(person.id, None)
    return await api.token(person)


async def test_what_somebody_is_as_a_resident_or_a_worker_is_in_effect(strict: Api, world: World) -> None:
    person = await world.living_in("a111/1")
    await world.with_role(Role.PROPERTY_MANAGER, "a111", person)
    await world.with_role(Role.SERVICE_WORKER, "a112", person)
    actor = await actor_of(strict, person)
    assert actor.roles == {"resident", "service_worker"}
    assert actor.scope.compounds == ()
    assert actor.scope.homes == (world.homes["a111/1"],)


async def test_everybody_may_be_asked_for_one(api: Api, world: World) -> None:
    services = api.services
    api.authenticator = Authenticator(services.database, services.tokens, second_factor=SecondFactor.EVERYBODY)
    resident = await world.living_in("a111/1")
    assert (await actor_of(api, resident)).roles == {"guest"}
    await enrolled(world, resident)
    again = await api.authenticator.authenticate(f"Bearer {await _token(api, resident)}")
    assert again.roles == {"resident"}


async def test_in_production_it_is_required(
    database_url: str, tmp_path: Path, superuser: asyncpg.Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.app.build_schema", schema)  # once for all tests
    person = await world.with_role(Role.PROPERTY_STAFF, "a111")
    named = {"ZHIAN_PROFILE": "production", "ZHIAN_SECOND_FACTOR": "required"}
    with plain_logs():
        async with running(settings_for(database_url, tmp_path, **named), superuser) as made:
            token = await token_for(made.services.settings, person.phone)
            headers = {"authorization": f"Bearer {token}"}
            answer = await made.client.post("/graphql", json={"query": MINE}, headers=headers)
    assert answer.json()["data"]["viewer"]["secondFactorRequired"] is True


async def test_where_it_is_optional_roles_are_in_effect(api: Api, world: World) -> None:
    person = await world.with_role(Role.PROPERTY_STAFF, "a111")
    assert (await actor_of(api, person)).roles == {"property_staff"}
    assert (await api.ask(MINE, person)).data["viewer"]["secondFactorRequired"] is False


async def test_an_official_signs_in_enrols_and_serves(strict: Api, world: World) -> None:
    person = await world.with_role(Role.PROPERTY_STAFF, "a111")
    held = {"edges": [{"node": {"role": "PROPERTY_STAFF"}}]}
    assert (await strict.ask(MINE, person)).data["viewer"] == {"secondFactorRequired": True, "roles": held}
    assert (await strict.ask("{ households { edges { node { id } } } }", person)).codes == ["NOT_FOUND"]
    made = (await strict.ask(ENROL, person)).data["enrolAuthenticator"]
    app = scan(world, made["secret"])
    assert made["enrolmentCodeNeeded"] is True
    assert (await strict.ask(CONFIRM, person, code=app.code())).codes == ["ENROLMENT_CODE_NEEDED"]
    wrong = await strict.ask(CONFIRM, person, language="zh-CN", code=app.code(), shown="AAAA")
    assert (wrong.codes, wrong.errors[0]["message"]) == (
        ["WRONG_ENROLMENT_CODE"],
        "绑定码错误或已失效，请联系授予您角色的管理员",
    )
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    account = global_id("Account", person.id)
    assert (await strict.ask(ISSUE, manager, account=account)).codes == ["NOT_FOUND"]  # theirs waits too
    await enrolled(world, manager)
    strict._tokens.pop(manager.id)
    shown = (await strict.ask(ISSUE, manager, account=account)).data["issueEnrolmentCode"]
    assert shown["expiresIn"] == 86_400
    assert (await strict.ask(CONFIRM, person, code=app.code(), shown=shown["code"])).errors == []
    assert (await strict.ask(ISSUE, manager, account=account)).codes == ["ALREADY_ENROLLED"]
    strict.authenticator.forget([person.id])
    assert (await strict.ask(MINE, person)).data["viewer"] == {"secondFactorRequired": False, "roles": held}
    assert (await strict.ask(AREAS, person)).data == {"areas": {"edges": [{"node": {"name": "a111"}}]}}
    assert (await strict.ask(REMOVE, person, code=app.code(1))).errors == []
    strict.authenticator.forget([person.id])
    assert (await strict.ask(MINE, person)).data["viewer"]["secondFactorRequired"] is True


class Socket:
    """An open connection of somebody, that keeps how it ended."""

    def __init__(self, token: str, actor: Actor) -> None:
        self.credentials: Credentials = {"authorization": f"Bearer {token}"}
        self.sign_in = _SignIn(actor)
        self.ended = asyncio.get_running_loop().create_future()

    def end(self, code: Farewell, reason: str) -> None:
        self.ended.set_result((code, reason))

    def blocked_since(self) -> float | None:
        return None


class _SignIn:
    expires_at = None

    def __init__(self, actor: Actor) -> None:
        self.actor = actor


async def test_open_sockets_end_with_the_authenticator(strict: Api, world: World) -> None:
    """They come back by themselves, with the rights that are left."""
    person = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    app, _ = await enrolled(world, person)
    actor = await actor_of(strict, person)
    socket = Socket(await strict.token(person), actor)

    async def authenticate(credentials: Credentials) -> _SignIn:
        return _SignIn(await strict.authenticator.authenticate(credentials["authorization"]))

    connections = Connections(authenticate, send_seconds=60, recheck_seconds=60)
    connections.add(socket)
    assert (await strict.ask(REMOVE, person, code=app.code())).errors == []
    strict.authenticator.forget([person.id])
    connections.access_changed(frozenset({person.id}))
    async with asyncio.timeout(PATIENCE):
        assert await socket.ended == (Farewell.ACCESS_ENDED, "Access changed")
    connections.remove(socket)
