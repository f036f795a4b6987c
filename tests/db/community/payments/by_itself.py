"""Rules of the machine of money in which auto-pay takes what is owed, whatever else is done to it."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.community.payments.autopay import planning, service
from domain.community.payments.autopay.ports import AgreementState
from domain.community.payments.autopay.service import Terms
from domain.community.payments.charges import ChargeKind
from domain.community.payments.ports import Vendor
from tests.factories.agreements import FakeAgreements
from tests.factories.till import Till
from workers.autopay import take_due

TERMS = Terms([ChargeKind.PROPERTY], 600, 2_000_000)


class TakesByItself:
    """One home's auto-pay. ground: a database with a clock, and the loop it is asked on."""

    ground: Any
    agreed: FakeAgreements
    home: str
    charges: list[tuple[int, str]]

    @property
    def till(self) -> Till:
        """Who pays, through which vendors."""
        return self.ground.till  # type: ignore[no-any-return] - the ground is the machine's

    def sign_in(self, home: str) -> None:
        """Begin anew: the home signs."""
        self.home = home
        self.ground.run(self.ground.superuser.execute("truncate autopay restart identity cascade"))
        self.agreed = FakeAgreements(self.till.vendors[Vendor.ALIPAY])
        self.ground.run(self._sign(home))

    async def _sign(self, home: str) -> None:
        async with self.till.database.unit_of_work(await self.till.resident(home)) as uow:
            _, number = await service.ask_autopay(
                uow, home_id=self.till.world.homes[home], vendor=Vendor.ALIPAY, terms=TERMS
            )
        self.agreed.agree(number)
        async with self.till.database.unit_of_work(service.system_in(number)) as uow:
            await service.take_word(uow, vendor=Vendor.ALIPAY, number=number, state=AgreementState.SIGNED)

    @rule(
        amounts=st.lists(st.integers(1, 700), max_size=3),
        lost=st.sampled_from([0, 0, 1, 2]),
        before=st.booleans(),
        refused=st.booleans(),
        days=st.integers(1, 3),
    )
    def take(self, *, amounts: list[int], lost: int, before: bool, refused: bool, days: int) -> None:
        """Auto-pay tells of new charges too, and two workers take days later; calls are not heard of, or refused."""
        self.charges += [(charge, self.home) for charge in self.ground.run(self.till.charges(*amounts, home=self.home))]
        self.agreed.refusing = "ACQ.BUYER_BALANCE_NOT_ENOUGH" if refused else ""
        self.agreed.lost_before, self.agreed.lost_after = (lost, 0) if before else (0, lost)
        self.ground.run(self._take_due(days))
        self.agreed.lost_before = self.agreed.lost_after = 0

    async def _take_due(self, days: int) -> None:
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            await planning.plan_due(uow, limit=50)
        self.ground.clock.advance(days=days)
        agreements = {Vendor.ALIPAY: self.agreed}
        await asyncio.gather(*(take_due(self.till.database, agreements=agreements) for _ in range(2)))
        await self.follow()

    async def follow(self) -> None:
        """Note what became of what was taken."""
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            await planning.follow(uow, limit=500)
