"""The machines of orders, attempts, charges and refunds, and what a vendor's word means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.payments.ports import Channel, Notice, NoticeKind, RefundState, Vendor
from domain.community.payments.rules import (
    LONGEST_PAUSE,
    MACHINES,
    Asked,
    AskedState,
    Attempted,
    AttemptState,
    ChargeState,
    OrderState,
    RefundVerdict,
    Verdict,
    bill_day,
    clearing,
    compound_of,
    judge,
    judge_refund,
    needs_new_number,
    pause,
    refund_number,
    trade_number,
)

AT = datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC)
STATES = {
    "payment_order": OrderState,
    "payment_attempt": AttemptState,
    "charge": ChargeState,
    "refund": AskedState,
}


def notice(**other: object) -> Notice:
    said = {
        "vendor": Vendor.WECHAT,
        "notice_id": "n",
        "kind": NoticeKind.PAID,
        "out_trade_no": "zt1_x",
        "transaction_id": "t",
        "amount_fen": 100,
        "app_id": "a",
        "seller_id": "s",
        "at": AT,
        "raw": "SUCCESS",
    }
    return Notice(**(said | other))  # type: ignore[arg-type]


def attempted(state: AttemptState = AttemptState.OPEN, *, owed: bool = True) -> Attempted:
    return Attempted("wechat", "a", "s", 100, state, "t" if state is AttemptState.PAID else None, owed)


@pytest.mark.parametrize("table", sorted(MACHINES))
def test_every_state_has_a_row_and_leads_to_states_there_are(table: str) -> None:
    machine = MACHINES[table]
    assert set(machine) == set(STATES[table])
    for state, row in machine.items():
        assert row.then <= machine.keys() - {state}
        assert not row.required & row.absent
        for then in row.then:
            assert not row.frozen & machine[then].required - row.required, "what must appear later may not be frozen"


@pytest.mark.parametrize("state", [s for s in AttemptState if s is not AttemptState.PAID])
@pytest.mark.parametrize("owed", [True, False])
def test_money_is_credited_when_it_is_owed_and_goes_back_when_not(state: AttemptState, owed: bool) -> None:
    assert judge(attempted(state, owed=owed), notice()) is (Verdict.CREDIT if owed else Verdict.SURPLUS)


def test_a_paid_attempt_knows_its_own_transaction_and_no_other() -> None:
    paid = attempted(AttemptState.PAID, owed=False)
    assert judge(paid, notice()) is Verdict.KNOWN
    assert judge(paid, notice(transaction_id="u")) is Verdict.SECOND_TRANSACTION


@given(
    st.sampled_from(Vendor), st.sampled_from("ab"), st.sampled_from("st"), st.sampled_from(["CNY", "USD"]),
    st.integers(99, 101), st.sampled_from(AttemptState), st.booleans(),
)  # fmt: skip
def test_nothing_is_credited_that_was_not_agreed(
    vendor: Vendor, app: str, seller: str, currency: str, amount: int, state: AttemptState, owed: bool
) -> None:
    said = notice(vendor=vendor, app_id=app, seller_id=seller, currency=currency, amount_fen=amount)
    verdict = judge(attempted(state, owed=owed), said)
    agreed = (vendor, app, seller, currency, amount) == (Vendor.WECHAT, "a", "s", "CNY", 100)
    assert (verdict in (Verdict.CREDIT, Verdict.SURPLUS)) == (agreed and state is not AttemptState.PAID)
    assert verdict.differs == (not agreed)


@pytest.mark.parametrize(
    ("state", "told", "expected"),
    [
        (AskedState.ASKED, RefundState.WAITING, RefundVerdict.SENT),
        (AskedState.SENT, RefundState.DONE, RefundVerdict.DONE),
        (AskedState.ASKED, RefundState.DONE, RefundVerdict.DONE),
        (AskedState.SENT, RefundState.FAILED, RefundVerdict.FAILED),
        (AskedState.FAILED, RefundState.FAILED, RefundVerdict.KNOWN),
        (AskedState.FAILED, RefundState.WAITING, RefundVerdict.SENT),
        (AskedState.FAILED, RefundState.DONE, RefundVerdict.DONE),
        (AskedState.DONE, RefundState.FAILED, RefundVerdict.KNOWN),
        (AskedState.SENT, RefundState.ABSENT, RefundVerdict.KNOWN),
        (AskedState.SENT, None, RefundVerdict.KNOWN),
        (AskedState.BY_HAND, RefundState.DONE, RefundVerdict.MADE_TWICE),
        (AskedState.REPLACED, RefundState.DONE, RefundVerdict.MADE_TWICE),
        (AskedState.BY_HAND, RefundState.FAILED, RefundVerdict.KNOWN),
        (AskedState.REPLACED, RefundState.WAITING, RefundVerdict.KNOWN),
    ],
)
def test_what_becomes_of_a_refund(state: AskedState, told: RefundState | None, expected: RefundVerdict) -> None:
    said = notice(kind=NoticeKind.REFUND, refund_state=told)
    assert judge_refund(7, "s", Asked(7, 100, state), said) is expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"amount_fen": 99}, RefundVerdict.WRONG_AMOUNT),
        ({"currency": "USD"}, RefundVerdict.WRONG_AMOUNT),
        ({"seller_id": "x"}, RefundVerdict.WRONG_TRADE),
        ({"seller_id": ""}, RefundVerdict.DONE),
    ],
)
def test_a_refund_is_held_against_what_was_asked(other: dict[str, object], expected: RefundVerdict) -> None:
    said = notice(refund_state=RefundState.DONE, **other)
    assert judge_refund(7, "s", Asked(7, 100, AskedState.SENT), said) is expected
    assert judge_refund(8, "s", Asked(7, 100, AskedState.SENT), said) is RefundVerdict.WRONG_TRADE


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("why", ["CLOSED", "ABNORMAL", "NOT_ENOUGH", "ACQ.SELLER_BALANCE_NOT_ENOUGH", ""])
def test_a_refund_keeps_its_number_unless_the_vendor_closed_it(vendor: Vendor, why: str) -> None:
    assert needs_new_number(vendor, why) == (vendor is Vendor.WECHAT and why == "CLOSED")


@given(st.integers(1, 2**31 - 1))
def test_numbers_tell_their_compound_and_fit_the_vendors(compound_id: int) -> None:
    for number in (trade_number(compound_id), refund_number(compound_id)):
        assert 6 <= len(number) <= 32
        assert compound_of(number) == compound_id


@pytest.mark.parametrize("number", ["", "SHOP1", "zt0_" + "0" * 18, "zt1_" + "0" * 17, f"zt{2**31}_" + "0" * 18])
def test_other_numbers_tell_none(number: str) -> None:
    assert compound_of(number) is None


@given(st.integers(0, 10_000))
def test_pauses_grow_up_to_the_longest(checks: int) -> None:
    assert timedelta(seconds=5) <= pause(checks) <= pause(checks + 1) <= LONGEST_PAUSE


def test_days_of_bills_are_beijings() -> None:
    assert bill_day(AT).isoformat() == "2026-03-01"
    assert bill_day(AT + timedelta(seconds=1)).isoformat() == "2026-03-02"


def test_channels_tell_their_vendor_and_vendors_their_account() -> None:
    assert {channel.vendor for channel in Channel} == set(Vendor)
    assert clearing("alipay") == "clearing_alipay"
