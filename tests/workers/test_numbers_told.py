"""A number that is left is told so, once, in the account's language."""

from __future__ import annotations

import pytest

from domain.identity.numbers.handlers import TEXTS
from domain.identity.numbers.service import tell
from domain.kernel.uow import Database
from tests.workers.kit import SYSTEM, HandClock, states
from tests.workers.test_sign_in_codes import VAULT, Provider, relay_of

PHONE = "+8613800000000"


@pytest.mark.parametrize("what", sorted(TEXTS))
async def test_it_is_told_when_the_provider_answers(database: Database, clock: HandClock, what: str) -> None:
    provider = Provider(refuse=1)
    relay = relay_of(database, provider)
    async with database.unit_of_work(SYSTEM) as uow:
        tell(uow, vault=VAULT, phone=PHONE, what=what, language="zh-CN")
    for _ in range(3):
        await relay.drain()
        clock.forward(seconds=2)
    assert list(provider.sent.values()) == [(PHONE, TEXTS[what]["zh-CN"])]
    assert await states(database) == [("done", 2)]


def test_every_text_is_there_in_both_languages_and_holds_no_number() -> None:
    for texts in TEXTS.values():
        assert texts.keys() == {"zh-CN", "en"}
        assert not any(character.isdigit() for text in texts.values() for character in text)
