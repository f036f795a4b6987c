"""When auto-pay takes what, and how much of it at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.payments.autopay.rules import AUTOPAY, MACHINES, agreement_number, within
from domain.community.payments.autopay.schedule import (
    NOTICE,
    Wanted,
    Why,
    again_at,
    month_begins,
    pack,
    take_at,
    ten_from,
    today_in,
    tried_enough,
)
from domain.community.payments.autopay.telling import BODIES, STANDS, TITLES, News
from domain.community.payments.rules import MOST_CHARGES, compound_of

SHANGHAI = "Asia/Shanghai"
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware
ZONES = st.sampled_from([SHANGHAI, "America/New_York", "Pacific/Apia"])


def at(text: str) -> datetime:
    """An instant in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(SHANGHAI)).astimezone(UTC)


@pytest.mark.parametrize(
    ("due", "now", "taken"),
    [
        ("2026-03-10", "2026-03-08 12:00", "2026-03-10 10:00"),
        ("2026-03-10", "2026-03-09 09:00", "2026-03-10 10:00"),
        ("2026-03-10", "2026-03-09 10:00", "2026-03-10 10:00"),
        ("2026-03-10", "2026-03-09 10:01", "2026-03-11 10:00"),
        ("2026-03-10", "2026-03-10 08:00", "2026-03-11 10:00"),
        ("2026-01-01", "2026-03-10 23:00", "2026-03-12 10:00"),
    ],
)
def test_a_charge_is_taken_on_its_day_or_a_day_after_its_home_was_told(due: str, now: str, taken: str) -> None:
    assert take_at(date.fromisoformat(due), at(now), SHANGHAI) == at(taken)


@given(due=st.dates(date(2026, 1, 1), date(2030, 1, 1)), now=INSTANTS, zone=ZONES)
def test_nothing_is_taken_within_a_day_nor_before_it_is_due_nor_at_another_hour(
    due: date, now: datetime, zone: str
) -> None:
    taken = take_at(due, now, zone)
    local = taken.astimezone(ZoneInfo(zone))
    assert taken >= now + NOTICE
    assert (local.hour, local.minute) == (10, 0)
    assert local.date() >= due
    assert again_at(now, zone) > now
    assert ten_from(now, zone) >= now
    assert today_in(zone, month_begins(now, zone)) == today_in(zone, now).replace(day=1)


@given(
    amounts=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), max_size=80),
    limit=st.integers(1, 100),
    left=st.integers(-50, 300),
)
def test_a_payment_is_within_both_limits_and_nothing_is_lost(
    amounts: list[tuple[int, int]], limit: int, left: int
) -> None:
    wanted = [Wanted(n, n, amount, told) for n, (amount, told) in enumerate(amounts)]
    packed = pack(wanted, limit_fen=limit, left_fen=left)
    total = sum(each.amount_fen for each in packed.take)
    assert total <= limit
    assert not packed.take or total <= left
    assert len(packed.take) <= MOST_CHARGES
    assert all(each.amount_fen <= each.told_fen for each in packed.take)
    taken = {each.plan_id for each in packed.take}
    assert not taken & packed.refused.keys()
    # Whatever waits is taken or refused by the payments that follow.
    rest = [each for each in wanted if each.plan_id not in taken | packed.refused.keys()]
    assert not rest or packed.take


def test_why_something_is_not_taken() -> None:
    wanted = [Wanted(1, 1, 60, 60), Wanted(2, 2, 61, 60), Wanted(3, 3, 101, 101), Wanted(4, 4, 50, 50)]
    wanted += [Wanted(5, 5, 100, 100), Wanted(6, 6, 40, 40)]
    packed = pack(wanted, limit_fen=100, left_fen=120)
    assert [each.plan_id for each in packed.take] == [1, 6]
    assert packed.refused == {2: Why.RAISED, 3: Why.OVER_LIMIT, 5: Why.OVER_MONTH}


def test_three_tries_are_enough_and_limits_are_ordered() -> None:
    assert [tried_enough(n) for n in (0, 2, 3, 4)] == [False, False, True, True]
    cases = ((1, 1), (1, 2), (2, 1), (0, 1), (-1, 1), (1, 2_000_000_001))
    assert [within(*case) for case in cases] == [True, True, False, False, False, False]


def test_a_number_of_an_agreement_tells_its_compound() -> None:
    assert compound_of(agreement_number(292)) == 292
    assert len(agreement_number(2**31 - 1)) <= 32
    assert agreement_number(1) != agreement_number(1)


@pytest.mark.parametrize("table", sorted(MACHINES))
def test_states_lead_to_states_of_the_table(table: str) -> None:
    machine = MACHINES[table]
    assert {then for row in machine.values() for then in row.then} <= machine.keys()
    assert AUTOPAY["ended"].then == frozenset()


def test_there_are_words_for_all_news() -> None:
    for words in (TITLES, BODIES):
        assert words.keys() == set(News)
        assert all(set(said) == {"zh-CN", "en"} for said in words.values())
    assert set(News) - STANDS.keys() == {News.OVER}
