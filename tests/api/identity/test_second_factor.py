"""The mutations of authenticators, and signIn with one."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from api.nodes import global_id
from domain.kernel.actor import Role
from domain.kernel.errors import Unauthenticated
from tests.api.identity.test_sign_in import REQUEST, VIEWER, code
from tests.factories.api import Api
from tests.factories.authenticators import enrolled, scan
from tests.factories.clock import Clock
from tests.factories.world import World

ENROL = "mutation { enrolAuthenticator { uri secret expiresIn } }"
CONFIRM = "mutation($code: String!) { confirmAuthenticator(code: $code) { codes } }"
RENEW = "mutation($code: String!) { renewRecoveryCodes(code: $code) { codes } }"
REMOVE = "mutation($code: String!) { removeAuthenticator(code: $code) }"
RESET = "mutation($account: ID!, $reason: String!) { resetAuthenticator(account: $account, reason: $reason) }"
MINE = "{ viewer { authenticator { confirmedAt recoveryCodesLeft } } }"
SIGN_IN = """mutation($phone: String!, $code: String!, $second: String! = "") {
  signIn(phone: $phone, code: $code, authenticatorCode: $second) { accessToken } }"""


async def test_from_the_app_to_the_sign_in(api: Api, world: World) -> None:
    person = await world.person()
    assert (await api.ask(MINE, person)).data == {"viewer": {"authenticator": None}}
    made = (await api.ask(ENROL, person)).data["enrolAuthenticator"]
    assert made["uri"].startswith("otpauth://totp/Zhian:")
    assert made["secret"] in made["uri"]
    assert made["expiresIn"] == 600
    assert person.phone[3:] not in made["uri"]
    app = scan(world, made["secret"])
    codes = (await api.ask(CONFIRM, person, code=app.code())).data["confirmAuthenticator"]["codes"]
    assert len(codes) == 10
    mine = (await api.ask(MINE, person)).data["viewer"]["authenticator"]
    assert mine["recoveryCodesLeft"] == 10
    assert mine["confirmedAt"].endswith("Z")

    await api.ask(REQUEST, phone=person.phone)
    sent = await code(api)
    needed = await api.ask(SIGN_IN, phone=person.phone, code=sent)
    assert needed.errors[0]["extensions"] == {
        "code": "SECOND_FACTOR_NEEDED",
        "kind": "unauthenticated",
        "field": "authenticatorCode",
    }
    wrong = await api.ask(SIGN_IN, phone=person.phone, code=sent, second=app.wrong())
    assert wrong.codes == ["WRONG_AUTHENTICATOR_CODE"]
    assert wrong.errors[0]["message"] == "The code is wrong or no longer valid"
    tokens = (await api.ask(SIGN_IN, phone=person.phone, code=sent, second=app.code(1))).data["signIn"]
    assert (await api.ask(VIEWER, tokens["accessToken"])).errors == []


async def test_an_app_that_nobody_here_wrote_reads_the_address_and_confirms(
    api: Api, world: World, clock: Clock
) -> None:
    person = await world.person()
    app = pyotp.parse_uri((await api.ask(ENROL, person)).data["enrolAuthenticator"]["uri"])
    assert isinstance(app, pyotp.TOTP)
    assert app.issuer == "Zhian"
    assert (await api.ask(CONFIRM, person, code=app.at(clock()))).errors == []
    await api.ask(REQUEST, phone=person.phone)
    second = app.at(clock() + timedelta(seconds=30))
    assert (await api.ask(SIGN_IN, phone=person.phone, code=await code(api), second=second)).errors == []


async def test_confirming_ends_the_tokens_of_other_sign_ins(api: Api, world: World) -> None:
    person = await world.person()
    await api.ask(MINE, person)
    await enrolled(world, person)  # on another sign-in
    api.authenticator.forget([person.id])
    with pytest.raises(Unauthenticated):
        await api.ask(MINE, person)


async def test_recovery_codes_are_renewed_and_the_authenticator_removed(api: Api, world: World) -> None:
    person = await world.person()
    app, codes = await enrolled(world, person)
    renewed = (await api.ask(RENEW, person, code=codes[0])).data["renewRecoveryCodes"]["codes"]
    assert len(renewed) == 10
    assert (await api.ask(RENEW, person, code=codes[1])).codes == ["WRONG_AUTHENTICATOR_CODE"]
    assert (await api.ask(REMOVE, person, code=app.wrong())).codes == ["WRONG_AUTHENTICATOR_CODE"]
    assert (await api.ask(REMOVE, person, code=app.code())).data == {"removeAuthenticator": True}
    assert (await api.ask(MINE, person)).data == {"viewer": {"authenticator": None}}
    assert (await api.ask(REMOVE, person, code=app.code(1))).codes == ["NO_AUTHENTICATOR"]


async def test_a_manager_resets_a_lost_authenticator(api: Api, world: World) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    resident, stranger = await world.living_in("a111/1"), await world.living_in("a112/1")
    await enrolled(world, resident)
    await api.ask(MINE, resident)
    whom = global_id("Account", resident.id)
    assert (await api.ask(RESET, manager, account=whom, reason="手机遗失")).data == {"resetAuthenticator": True}
    api.authenticator.forget([resident.id])
    with pytest.raises(Unauthenticated):
        await api.ask(MINE, resident)
    assert (await api.ask(RESET, manager, account=whom, reason="再次")).codes == ["NO_AUTHENTICATOR"]
    outside = await api.ask(RESET, manager, account=global_id("Account", stranger.id), reason="x")
    assert outside == await api.ask(RESET, manager, account=global_id("Account", 99999), reason="x")
    assert outside.codes == ["NOT_FOUND"]
