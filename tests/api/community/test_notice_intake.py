"""Notices that come together go together: how they are gathered, without a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from api.community.payments import intake
from domain.community.payments.ports import Notice, NoticeKind, Vendor

AT = datetime(2026, 3, 2, 3, tzinfo=UTC)


def notice(number: int, compound: int = 2) -> Notice:
    trade = f"zt{compound}_{number:018x}"
    return Notice(Vendor.WECHAT, f"N{number}", NoticeKind.PAID, trade, f"T{number}", 1, "a", "s", AT, "SUCCESS")


@dataclass
class Taken:
    """What each transaction took, in place of one."""

    batches: list[list[str]] = field(default_factory=list)

    @asynccontextmanager
    async def unit_of_work(self, _: Any) -> AsyncIterator[None]:
        yield

    async def take(self, _: Any, notices: Sequence[Notice]) -> list[str]:
        self.batches.append([each.notice_id for each in notices])
        return ["credit"] * len(notices)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    made = Taken()
    monkeypatch.setattr(intake, "take_notices", made.take)
    monkeypatch.setattr(intake, "LONGEST", 60.0)
    return made


async def after(turns: int, taking: intake.NoticeIntake, said: Notice) -> str:
    """The notice comes so many turns of the loop later."""
    for _ in range(turns):
        await asyncio.sleep(0)
    return await taking.take(said)


async def test_a_burst_whose_requests_are_read_turn_by_turn_is_one_transaction_a_lane(taken: Taken) -> None:
    taking = intake.NoticeIntake(cast("Any", taken))
    said = [notice(number, compound=2 + number % 2) for number in range(60)]
    done = await asyncio.gather(*(after(3 * turn, taking, each) for turn, each in enumerate(said)))
    assert done == ["credit"] * 60
    assert sorted(map(len, taken.batches)) == [30, 30]


async def test_a_stream_that_does_not_end_holds_nobody_up(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "LONGEST", 0.0)
    taking = intake.NoticeIntake(cast("Any", taken))
    await asyncio.gather(*(after(9 * number, taking, notice(number)) for number in range(5)))
    assert [len(batch) for batch in taken.batches] == [1] * 5


async def test_no_transaction_is_larger_than_its_bound(taken: Taken) -> None:
    taking = intake.NoticeIntake(cast("Any", taken), most=7)
    await asyncio.gather(*(taking.take(notice(number)) for number in range(20)))
    assert [len(batch) for batch in taken.batches] == [7, 7, 6]
