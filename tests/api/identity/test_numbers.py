"""requestNumberChange, changeNumber, moveNumber, confirmNumber, refuseNumberMove."""

from __future__ import annotations

import pytest

from api.nodes import global_id
from domain.kernel.actor import Role
from domain.kernel.errors import Unauthenticated
from tests.db.identity.numbers_kit import NEW, Numbers
from tests.factories.api import Api
from tests.factories.world import World

REQUEST = "mutation($phone: String!) { requestNumberChange(phone: $phone) { expiresIn retryAfter } }"
CHANGE = """mutation($phone: String!, $old: String!, $new: String!) {
  changeNumber(phone: $phone, oldCode: $old, newCode: $new) }"""
MOVE = """mutation($account: ID!, $phone: String!) {
  moveNumber(account: $account, phone: $phone, proof: ID_CARD, note: "本人到场") { expiresAt othersNeeded } }"""
CONFIRM = "mutation($phone: String!, $code: String!) { confirmNumber(phone: $phone, code: $code) }"
OPEN = "{ viewer { numberMove { askedAt expiresAt } } }"
REFUSE = "mutation { refuseNumberMove }"
VIEWER = "{ viewer { account { id phone } } }"


@pytest.fixture
def numbers(world: World) -> Numbers:
    return Numbers(world)


async def test_one_changes_ones_own_number(api: Api, world: World, numbers: Numbers) -> None:
    person = await world.living_in("a111/1")
    assert (await api.ask(REQUEST, phone=NEW)).codes == ["UNAUTHENTICATED"]
    assert (await api.ask(REQUEST, person, phone=NEW)).data == {
        "requestNumberChange": {"expiresIn": 300, "retryAfter": 60}
    }
    codes = await numbers.codes()
    given = {"phone": NEW, "old": codes[person.phone, "change_from"], "new": codes[NEW, "change_to"]}
    refused = await api.ask(CHANGE, person, **given | {"new": "x"})
    assert refused.errors[0]["extensions"] == {"code": "WRONG_CODE", "kind": "unauthenticated", "field": "newCode"}
    assert (await api.ask(CHANGE, person, **given)).data == {"changeNumber": True}
    assert (await api.ask(VIEWER, person)).data["viewer"]["account"]["phone"] == NEW  # this sign-in goes on
    assert (await api.ask(CHANGE, person, **given)).codes == ["WRONG_CODE"]


async def test_the_office_moves_a_lost_number_and_its_new_holder_confirms(
    api: Api, world: World, numbers: Numbers
) -> None:
    manager, person = await world.with_role(Role.PROPERTY_MANAGER, "a111"), await world.living_in("a111/1")
    whom = global_id("Account", person.id)
    assert (await api.ask(VIEWER, person)).errors == []
    asked = (await api.ask(MOVE, manager, account=whom, phone=NEW)).data["moveNumber"]
    assert asked["othersNeeded"] is False
    code = (await numbers.codes())[NEW, "move_to"]
    assert (await api.ask(CONFIRM, phone=NEW, code="x")).codes == ["WRONG_CODE"]
    assert (await api.ask(CONFIRM, phone=NEW, code=code)).data == {"confirmNumber": True}
    api.authenticator.forget([person.id])
    with pytest.raises(Unauthenticated):
        await api.ask(VIEWER, person)


async def test_the_holder_refuses_and_somebody_out_of_sight_was_never_there(
    api: Api, world: World, numbers: Numbers
) -> None:
    manager, person = await world.with_role(Role.PROPERTY_MANAGER, "a111"), await world.living_in("a111/1")
    stranger = await world.living_in("a112/1")
    assert not (await api.ask(MOVE, manager, account=global_id("Account", person.id), phone=NEW)).errors
    assert (await api.ask(OPEN, person)).data["viewer"]["numberMove"]["expiresAt"].endswith("Z")
    assert (await api.ask(OPEN, manager)).data == {"viewer": {"numberMove": None}}
    assert (await api.ask(REFUSE, person)).data == {"refuseNumberMove": True}
    assert (await api.ask(OPEN, person)).data == {"viewer": {"numberMove": None}}
    assert (await api.ask(REFUSE, person)).data == {"refuseNumberMove": False}
    code = (await numbers.codes())[NEW, "move_to"]
    assert (await api.ask(CONFIRM, phone=NEW, code=code)).codes == ["NO_MOVE"]
    answers = [
        await api.ask(MOVE, manager, account=global_id("Account", whom), phone=NEW) for whom in (stranger.id, 99999)
    ]
    assert answers[0] == answers[1]
    assert answers[0].codes == ["NOT_FOUND"]
