"""Auto-pay is signed, changed, paused and ended; what the vendor says of it counts once, in whatever order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from domain.community.payments.autopay import service
from domain.community.payments.autopay.errors import AutopayExists, AutopayOver, InvalidLimit, NoKinds
from domain.community.payments.autopay.ports import AgreementState
from domain.community.payments.autopay.service import Terms
from domain.community.payments.charges import ChargeKind
from domain.community.payments.ports import Vendor
from domain.kernel.actor import Actor, ActorKind, HomeRole, Household, Trust, scope_of
from domain.kernel.errors import Forbidden, NotFound
from tests.factories.agreements import FakeAgreements
from tests.factories.clock import Clock
from tests.factories.till import Till
from tests.factories.world import LONG_AGO
from workers.autopay import look_at_agreements

TERMS = Terms([ChargeKind.PROPERTY, ChargeKind.REPAIR], 10_000, 30_000)
HOME = "a111/1"


@pytest.fixture
def agreed(till: Till) -> FakeAgreements:
    return FakeAgreements(till.vendors[Vendor.ALIPAY])


async def ask(till: Till, actor: Actor | None = None, terms: Terms = TERMS) -> tuple[int, str]:
    async with till.database.unit_of_work(actor or await till.resident(HOME)) as uow:
        home = till.world.homes[HOME]
        return await service.ask_autopay(uow, home_id=home, vendor=Vendor.ALIPAY, terms=terms)


async def act(till: Till, command: Any, autopay_id: int, actor: Actor | None = None, **said: Any) -> None:
    async with till.database.unit_of_work(actor or await till.resident(HOME)) as uow:
        await command(uow, autopay_id=autopay_id, **said)


async def word(till: Till, number: str, state: AgreementState) -> str:
    async with till.database.unit_of_work(service.system_in(number)) as uow:
        return await service.take_word(uow, vendor=Vendor.ALIPAY, number=number, state=state)


async def signed(till: Till) -> tuple[int, str]:
    autopay_id, number = await ask(till)
    assert await word(till, number, AgreementState.SIGNED) == "signed"
    return autopay_id, number


async def row(till: Till) -> dict[str, Any]:
    (found,) = (await till.rows("autopay")).values()
    return dict(found)


async def other(till: Till, home: str = HOME, trust: Trust = Trust.OFFICE) -> Actor:
    """Somebody else who lives there."""
    person = await till.world.living_in(home, HomeRole.MEMBER, trust)
    lives = (Household(till.world.homes[home], till.world.areas[home[:4]], HomeRole.MEMBER, trust, LONG_AGO),)
    return Actor(ActorKind.ACCOUNT, person.id, households=lives, scope=scope_of((), lives, person.id))


async def look(till: Till, agreed: FakeAgreements) -> int:
    return await look_at_agreements(till.database, agreements={Vendor.ALIPAY: agreed})


async def test_it_is_asked_for_signed_changed_paused_resumed_and_ended(till: Till, agreed: FakeAgreements) -> None:
    autopay_id, number = await ask(till)
    assert (await row(till))["state"] == "pending"
    assert await ask(till, terms=Terms([ChargeKind.PROPERTY], 5, 6)) == (autopay_id, number), "the same, on newer terms"
    stored = await row(till)
    assert (stored["kinds"], stored["limit_fen"], stored["monthly_limit_fen"]) == (["property"], 5, 6)
    assert await word(till, number, AgreementState.SIGNED) == "signed"
    assert await word(till, number, AgreementState.SIGNED) == "known"
    await act(till, service.change_autopay, autopay_id, terms=TERMS)
    assert (await row(till))["kinds"] == ["property", "repair"]
    await act(till, service.pause_autopay, autopay_id)
    with pytest.raises(AutopayOver):
        await act(till, service.pause_autopay, autopay_id)
    await act(till, service.resume_autopay, autopay_id)
    with pytest.raises(AutopayOver):
        await act(till, service.resume_autopay, autopay_id)
    agreed.agree(number)
    await act(till, service.end_autopay, autopay_id)
    assert ((await row(till))["state"], (await row(till))["closed_because"]) == ("ended", "resident")
    for command, said in ((service.end_autopay, {}), (service.change_autopay, {"terms": TERMS})):
        with pytest.raises(AutopayOver):
            await act(till, command, autopay_id, **said)
    assert await look(till, agreed) == 1
    assert agreed.calls == ["unsign"]
    assert agreed.known[number].state is AgreementState.ENDED
    assert await look(till, agreed) == 0
    said = await till.superuser.fetch("select action from audit_entry where action like 'autopay%' order by sequence")
    assert [each["action"].partition(".")[2] for each in said] == [
        "asked", "asked", "signed", "changed", "paused", "resumed", "ended",
    ]  # fmt: skip


async def test_a_home_has_one_and_only_its_verified_residents_sign(till: Till) -> None:
    autopay_id, _ = await ask(till)
    second, unverified = await other(till), await other(till, trust=Trust.PHONE)
    with pytest.raises(AutopayExists):
        await ask(till, second)
    with pytest.raises(Forbidden):
        await ask(till, unverified)
    with pytest.raises(NotFound):
        await ask(till, await other(till, "a111/2"))
    with pytest.raises(InvalidLimit):
        await ask(till, terms=Terms([ChargeKind.PROPERTY], 2, 1))
    with pytest.raises(NoKinds):
        await ask(till, terms=Terms([], 1, 1))
    for stranger in (unverified, await other(till, "a111/2")):
        with pytest.raises(NotFound):
            await act(till, service.end_autopay, autopay_id, stranger)
    with pytest.raises(Forbidden):
        await act(till, service.change_autopay, autopay_id, second, terms=TERMS)
    await act(till, service.end_autopay, autopay_id, second)
    assert (await ask(till, second))[0] > autopay_id


async def test_two_of_a_home_who_ask_at_once(till: Till) -> None:
    people = [await other(till) for _ in range(4)]
    done = await asyncio.gather(*(ask(till, each) for each in people), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["AutopayExists"] * 3 + ["tuple"]


async def test_others_of_the_home_may_pause_but_not_resume(till: Till) -> None:
    autopay_id, _ = await signed(till)
    second = await other(till)
    await act(till, service.pause_autopay, autopay_id, second)
    with pytest.raises(Forbidden):
        await act(till, service.resume_autopay, autopay_id, second)


@pytest.mark.parametrize(
    "order", sorted(set(permutations([AgreementState.SIGNED, AgreementState.SIGNED, AgreementState.ENDED])))
)
async def test_what_the_vendor_says_in_any_order_leaves_nothing_open(
    till: Till, order: tuple[AgreementState, ...]
) -> None:
    _, number = await ask(till)
    for state in (*order, AgreementState.ENDED):
        await word(till, number, state)
    stored = await row(till)
    assert (stored["state"], stored["closed_because"], stored["check_at"]) == ("ended", "vendor", None)


async def test_words_about_agreements_of_nobody_are_passed_by(till: Till) -> None:
    for number in ("za1_000000000000000000", "other", ""):
        assert await word(till, number, AgreementState.SIGNED) == "foreign"


async def test_a_signature_nobody_told_of_is_asked_for(till: Till, agreed: FakeAgreements, clock: Clock) -> None:
    _, number = await ask(till)
    assert await look(till, agreed) == 0
    clock.advance(seconds=6)
    agreed.lost_before = 1
    assert await look(till, agreed) == 1
    agreed.agree(number)
    clock.advance(seconds=60)
    assert await look(till, agreed) == 1
    stored = await row(till)
    assert (stored["state"], stored["check_at"]) == ("active", None)


async def test_what_is_not_signed_in_time_ends_and_is_undone_when_signed_late(
    till: Till, agreed: FakeAgreements, clock: Clock
) -> None:
    _, number = await ask(till)
    clock.advance(minutes=31)
    await look(till, agreed)
    stored = await row(till)
    assert (stored["state"], stored["closed_because"]) == ("ended", "never_signed")
    assert stored["check_at"] - stored["closed_at"] == timedelta(hours=1)
    agreed.agree(number)
    assert await word(till, number, AgreementState.SIGNED) == "too_late"
    await look(till, agreed)
    assert agreed.known[number].state is AgreementState.ENDED
    assert await word(till, number, AgreementState.ENDED) == "known"
    assert (await row(till))["check_at"] is None


async def test_it_ends_with_the_residents_belonging_to_the_home(till: Till, agreed: FakeAgreements) -> None:
    _, number = await signed(till)
    agreed.agree(number)

    async def sweep() -> int:
        async with till.database.unit_of_work(till.world.everywhere) as uow:
            return await service.end_of_leavers(uow, limit=10)

    assert await sweep() == 0
    await till.superuser.execute("update household set trust = 'phone'")
    assert await sweep() == 1
    assert (await row(till))["closed_because"] == "left"
    assert await sweep() == 0
    agreed.lost_after = 1
    await look(till, agreed)
    assert (await row(till))["check_at"] is not None, "nobody heard whether it ended there: it is told again"


async def test_of_two_workers_one_asks(till: Till, agreed: FakeAgreements, clock: Clock) -> None:
    await ask(till)
    clock.advance(seconds=6)
    assert sorted(await asyncio.gather(look(till, agreed), look(till, agreed))) == [0, 1]
    assert agreed.calls == ["query"]
