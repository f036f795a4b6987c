"""A supplier's bill that is here already: what each answer makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.bills.pull.rules import SURE, Heard, Link, Standing, Stands, Verdict, judge, stands

NOW = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
OCTOBER, SEPTEMBER = date(2026, 10, 1), date(2026, 9, 1)
OPEN = Stands(Standing.OPEN, 1_000, 1_000, 0, OCTOBER, prepaid=False)
HELD, PAID = replace(OPEN, standing=Standing.HELD), replace(OPEN, standing=Standing.PAID)
DROPPED = replace(OPEN, standing=Standing.DROPPED, fen=0)
WITHDRAWN = replace(OPEN, standing=Standing.WITHDRAWN, fen=0)
OFFICE = replace(OPEN, fen=800)
"""The office made it 800; the supplier had said 1000."""
SAME, LESS, MORE = (Heard(fen, 0, OCTOBER) for fen in (1_000, 800, 1_200))
LATER, FINED = Heard(1_000, 0, SEPTEMBER), Heard(1_000, 25, OCTOBER)


@pytest.mark.parametrize(
    ("here", "heard", "verdict"),
    [
        (OPEN, SAME, Verdict.KEEP),
        (OPEN, LESS, Verdict.REPLACE),
        (OPEN, MORE, Verdict.REPLACE),
        (OPEN, LATER, Verdict.REPLACE),
        (OPEN, FINED, Verdict.FINES),
        (replace(OPEN, prepaid=True), FINED, Verdict.REPLACE),
        (HELD, SAME, Verdict.KEEP),
        (HELD, MORE, Verdict.WAIT),
        (HELD, LATER, Verdict.KEEP),
        (HELD, FINED, Verdict.KEEP),
        (PAID, SAME, Verdict.KEEP),
        (PAID, LESS, Verdict.TELL),
        (PAID, MORE, Verdict.TELL),
        (PAID, LATER, Verdict.KEEP),
        (PAID, FINED, Verdict.KEEP),
        (replace(PAID, said_fen=1_200), MORE, Verdict.KEEP),
        (replace(PAID, said_fen=1_200), SAME, Verdict.NOTE),
        (OFFICE, SAME, Verdict.KEEP),
        (OFFICE, LESS, Verdict.NOTE),
        (OFFICE, MORE, Verdict.TELL),
        (OFFICE, FINED, Verdict.KEEP),
        (DROPPED, SAME, Verdict.KEEP),
        (DROPPED, MORE, Verdict.NOTE),
        (WITHDRAWN, SAME, Verdict.RETURN),
        (WITHDRAWN, MORE, Verdict.RETURN),
    ],
)
def test_what_is_listed(here: Stands, heard: Heard, verdict: Verdict) -> None:
    assert judge(here, heard, complete=False, now=NOW) is verdict
    assert judge(here, heard, complete=True, now=NOW) is verdict
    again = Verdict.NOTE if verdict is Verdict.KEEP else verdict
    assert judge(replace(here, missing_since=NOW - SURE), heard, complete=True, now=NOW) is again


@pytest.mark.parametrize(
    ("ago", "verdict"),
    [
        (None, Verdict.MISSING),
        (timedelta(), Verdict.KEEP),
        (SURE - timedelta(seconds=1), Verdict.KEEP),
        (SURE, Verdict.WITHDRAW),
    ],
)
def test_an_open_bill_is_withdrawn_once_it_is_missing_in_two_complete_answers(
    ago: timedelta | None, verdict: Verdict
) -> None:
    here = replace(OPEN, missing_since=None if ago is None else NOW - ago)
    assert judge(here, None, complete=True, now=NOW) is verdict
    assert judge(here, None, complete=False, now=NOW) is Verdict.KEEP


@given(
    st.sampled_from([HELD, PAID, DROPPED, WITHDRAWN, OFFICE]),
    st.booleans(),
    st.none() | st.timedeltas(min_value=timedelta(), max_value=timedelta(days=400)),
)
def test_what_is_not_open_or_was_decided_by_the_office_is_never_withdrawn(
    here: Stands, complete: bool, ago: timedelta | None
) -> None:
    missing = replace(here, missing_since=None if ago is None else NOW - ago)
    assert judge(missing, None, complete=complete, now=NOW) is Verdict.KEEP


@given(st.sampled_from([HELD, PAID, DROPPED, OFFICE]), st.integers(1, 9_999), st.integers(0, 999), st.booleans())
def test_only_an_open_bill_is_changed(here: Stands, fen: int, fines: int, month: bool) -> None:
    heard = Heard(fen, fines, SEPTEMBER if month else OCTOBER)
    changes = (Verdict.FINES, Verdict.REPLACE, Verdict.RETURN, Verdict.WITHDRAW)
    assert judge(here, heard, complete=True, now=NOW) not in changes


def link(state: str, fen: int, charge: str | None = "open", **more: int) -> Link:
    return Link(state, fen, more.get("fines", 0), more.get("prepaid", 0), OCTOBER, charge)


@pytest.mark.parametrize(
    ("links", "standing", "fen"),
    [
        ([link("issued", 1_000)], Standing.OPEN, 1_000),
        ([link("issued", 1_000, "held")], Standing.HELD, 1_000),
        ([link("issued", 1_000, "paid")], Standing.PAID, 1_000),
        ([link("settled", 1_000, None)], Standing.PAID, 1_000),
        ([link("replaced", 1_000, "void"), link("issued", 800)], Standing.OPEN, 800),
        ([link("issued", 1_000, "paid"), link("issued", 200)], Standing.PAID, 1_200),
        ([link("issued", 1_000, "paid"), link("settled", -300, None)], Standing.PAID, 700),
        ([link("issued", 1_000, "paid"), link("written_off", 200, "void")], Standing.PAID, 1_000),
        ([link("written_off", 1_000, "void")], Standing.DROPPED, 0),
        ([link("withdrawn", 1_000, "void")], Standing.WITHDRAWN, 0),
        ([link("withdrawn", 1_000, "void"), link("issued", 900)], Standing.OPEN, 900),
        ([link("replaced", 1_000, "void"), link("written_off", 800, "void")], Standing.DROPPED, 0),
    ],
)
def test_what_a_bill_and_its_corrections_come_to(links: list[Link], standing: Standing, fen: int) -> None:
    found = stands(links, said_fen=None, missing_since=NOW)
    assert (found.standing, found.fen, found.said_fen, found.missing_since) == (standing, fen, 1_000, NOW)
    assert stands(links, said_fen=7, missing_since=None).said_fen == 7


def test_fines_and_what_was_paid_ahead_are_those_of_the_bill_that_stands() -> None:
    links = [link("replaced", 1_000, "void", fines=5), link("issued", 800, fines=9, prepaid=1)]
    found = stands(links, said_fen=800, missing_since=None)
    assert (found.fines_fen, found.prepaid) == (9, True)
