"""requestSignInCode, signIn, refreshSession, signOut, viewer: the way in and out."""

from __future__ import annotations

import base64

import asyncpg
import pytest
from sqlalchemy import select

from domain.identity.sessions.codes import code_place
from domain.kernel.actor import NOTHING, Role, Trust
from domain.kernel.errors import Unauthenticated
from domain.kernel.outbox import OutboxEvent
from tests.factories.api import Answer, Api
from tests.factories.clock import Clock
from tests.factories.world import World

REQUEST = "mutation($phone: String!) { requestSignInCode(phone: $phone) { expiresIn retryAfter } }"
SIGN_IN = """mutation($phone: String!, $code: String!) {
  signIn(phone: $phone, code: $code, clientName: "phone") { accessToken expiresAt refreshToken } }"""
REFRESH = "mutation($token: String!) { refreshSession(refreshToken: $token) { accessToken refreshToken } }"
SIGN_OUT = (
    "mutation($everywhere: Boolean! = false, $session: ID) { signOut(everywhere: $everywhere, session: $session) }"
)
VIEWER = "{ viewer { account { name phone } sessions { id client current } } }"
PHONE = "13800000000"


async def code(api: Api) -> str:
    """The code of the latest request, as the phone would show it."""
    async with api.services.database.reader(NOTHING) as reader:
        payload = await reader.scalar(select(OutboxEvent.payload).order_by(OutboxEvent.id.desc()).limit(1))
    return await api.services.vault.open(base64.b64decode(payload["code"]), code_place("code", payload["code_id"]))


async def sign_in(api: Api, phone: str = PHONE) -> Answer:
    assert not (await api.ask(REQUEST, phone=phone)).errors
    return await api.ask(SIGN_IN, phone=phone, code=await code(api))


async def test_from_the_code_to_the_viewer(api: Api) -> None:
    assert (await api.ask(REQUEST, phone=PHONE)).data == {"requestSignInCode": {"expiresIn": 300, "retryAfter": 60}}
    tokens = (await api.ask(SIGN_IN, phone=PHONE, code=await code(api))).data["signIn"]
    viewer = (await api.ask(VIEWER, tokens["accessToken"])).data["viewer"]
    assert viewer["account"] == {"name": "", "phone": f"+86{PHONE}"}
    assert [(s["client"], s["current"]) for s in viewer["sessions"]] == [("phone", True)]


async def test_the_access_token_lives_fifteen_minutes(api: Api, clock: Clock) -> None:
    tokens = (await sign_in(api)).data["signIn"]
    assert tokens["expiresAt"].endswith("Z")
    clock.advance(minutes=14, seconds=59)
    assert (await api.ask(VIEWER, tokens["accessToken"])).errors == []
    clock.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        await api.ask(VIEWER, tokens["accessToken"])


async def test_a_wrong_code_is_counted_although_it_is_refused(api: Api, superuser: asyncpg.Connection) -> None:
    await api.ask(REQUEST, phone=PHONE)
    wrong = f"{(int(await code(api)) + 1) % 10**6:06d}"
    answer = await api.ask(SIGN_IN, phone=PHONE, code=wrong)
    assert answer.codes == ["WRONG_CODE"]
    assert answer.errors[0]["extensions"] == {"code": "WRONG_CODE", "kind": "unauthenticated", "field": "code"}
    assert await superuser.fetchval("select attempts from sign_in_code") == 1


async def test_too_many_requests_say_how_long_to_wait(api: Api) -> None:
    await api.ask(REQUEST, phone=PHONE)
    answer = await api.ask(REQUEST, phone=PHONE)
    assert answer.codes == ["RATE_LIMITED"]
    assert answer.errors[0]["extensions"]["params"] == {"retry_after": 60}


async def test_known_and_unknown_phones_get_the_same_answer(api: Api, world: World) -> None:
    known = await world.person()
    first, second = await api.ask(REQUEST, phone=known.phone), await api.ask(REQUEST, phone="13800000099")
    assert first == second
    refused = [(await api.ask(SIGN_IN, phone=p, code="x")).errors for p in (known.phone, "13800000098")]
    assert refused[0] == refused[1]


async def test_a_refreshed_session_goes_on_and_a_reused_token_ends_it(
    api: Api, clock: Clock, superuser: asyncpg.Connection
) -> None:
    first = (await sign_in(api)).data["signIn"]["refreshToken"]
    second = (await api.ask(REFRESH, token=first)).data["refreshSession"]
    assert (await api.ask(VIEWER, second["accessToken"])).errors == []
    clock.advance(seconds=31)
    assert (await api.ask(REFRESH, token=first)).codes == ["SESSION_ENDED"]
    assert await superuser.fetchval("select end_reason from session") == "reuse"
    api.authenticator.forget()
    with pytest.raises(Unauthenticated):
        await api.ask(VIEWER, second["accessToken"])


async def test_signing_out_ends_the_access_token_at_once(api: Api) -> None:
    tokens = (await sign_in(api)).data["signIn"]
    assert (await api.ask(SIGN_OUT, tokens["accessToken"])).data == {"signOut": True}
    api.authenticator.forget()
    with pytest.raises(Unauthenticated):
        await api.ask(VIEWER, tokens["accessToken"])
    assert (await api.ask(REFRESH, token=tokens["refreshToken"])).codes == ["SESSION_ENDED"]


async def test_signing_out_everywhere_ends_every_session(api: Api, clock: Clock) -> None:
    here = (await sign_in(api)).data["signIn"]
    clock.advance(minutes=1)
    there = (await sign_in(api)).data["signIn"]
    await api.ask(SIGN_OUT, here["accessToken"], everywhere=True)
    api.authenticator.forget()
    for tokens in (here, there):
        with pytest.raises(Unauthenticated):
            await api.ask(VIEWER, tokens["accessToken"])


async def test_one_other_session_is_ended_by_its_id(api: Api, clock: Clock, world: World) -> None:
    here = (await sign_in(api)).data["signIn"]
    clock.advance(minutes=1)
    there = (await sign_in(api)).data["signIn"]
    sessions = (await api.ask(VIEWER, here["accessToken"])).data["viewer"]["sessions"]
    other = next(s["id"] for s in sessions if not s["current"])
    stranger = await world.person()
    assert (await api.ask(SIGN_OUT, stranger, session=other)).codes == ["NOT_FOUND"]
    assert (await api.ask(SIGN_OUT, here["accessToken"], session=other)).data == {"signOut": True}
    assert (await api.ask(REFRESH, token=there["refreshToken"])).codes == ["SESSION_ENDED"]
    assert (await api.ask(REFRESH, token=here["refreshToken"])).errors == []


async def test_the_viewer_knows_their_roles_and_homes(api: Api, world: World) -> None:
    person = await world.with_role(Role.PROPERTY_MANAGER, "a112")
    await world.living_in("a111/1", trust=Trust.PHONE, person=person, lives_alone=True)
    answer = await api.ask(
        """{ viewer { roles { edges { node { role area { name } account { phone } } } }
             households { edges { node { role trust livesAlone
               home { door building { name compound { name } } } } } } } }""",
        person,
    )
    (held,), (home,) = (answer.data["viewer"][k]["edges"] for k in ("roles", "households"))
    assert held["node"] == {
        "role": "PROPERTY_MANAGER",
        "area": {"name": "a112"},
        "account": {"phone": person.phone},
    }
    building = {"name": "a111 1栋", "compound": {"name": "a111"}}
    assert home["node"] == {
        "role": "OWNER",
        "trust": "PHONE",
        "livesAlone": True,
        "home": {"door": "1", "building": building},
    }


@pytest.mark.parametrize("header", ["Basic eDp5", "Bearer", "Bearer ", "token", ""])
async def test_another_kind_of_authorization_is_refused(api: Api, header: str) -> None:
    with pytest.raises(Unauthenticated):
        await api.authenticator.authenticate(header)


async def test_no_header_is_the_anonymous(api: Api) -> None:
    assert (await api.authenticator.authenticate(None)).roles == {"anonymous"}
