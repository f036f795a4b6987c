"""`zhian bench notices`: 500 notices of payments that arrive at once, half of them duplicates.

Latency is taken from a verified notice to the commit of what it led to, as the callback's route waits for it, and over
HTTP from the vendor's request to our answer, beside that of as many requests at once to an endpoint that does nothing.
Every payment must be credited once and only once, and the ledger say so.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Final

from sqlalchemy import func, insert, select

from api.community.payments.intake import NoticeIntake
from cli.bench.notices_wire import over_http
from cli.bench.report import Result, at_most, beside, told
from cli.bench.stage import Stage, stage
from domain.community.payments import service
from domain.community.payments.charges import ChargeKind, NewCharge, open_charges
from domain.community.payments.models import LedgerEntry, PaymentAttempt, Receipt
from domain.community.payments.ports import Channel, Notice, NoticeKind, Party, Prepay
from domain.estate.models import Building, Home
from domain.identity.models import Account
from domain.kernel.actor import Actor, ActorKind, HomeRole, Household, Scope, Trust, scope_of, system_actor
from domain.kernel.uow import Database
from integrations.bootstrap import notice_engine
from integrations.payments.sandbox.keys import APPID, MCHID

AT_ONCE: Final = 500
COMPOUNDS: Final = 4
ROUNDS, QUICK_ROUNDS = 8, 3
P99_GOAL: Final = 100.0
PARTY: Final = Party(APPID, MCHID)
FEN: Final = 1230


async def measure(*, quick: bool) -> list[Result]:
    """All figures of one run."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    async with stage(devices=0, compounds=COMPOUNDS) as built, _intake(built) as intake:
        payers = [await _payer(built, compound) for compound in built.compounds]
        subjects, waited, spans = count(1), list[float](), list[float]()
        await _round(intake, await _notices(built, payers, subjects))  # statements are prepared, pages are warm
        for _ in range(rounds):
            taken, span = await _round(intake, await _notices(built, payers, subjects))
            waited += taken
            spans.append(span)
        over = max(1, rounds // 2)
        taken, empty = await over_http(built, lambda: _notices(built, payers, subjects), rounds=over)
        await _check(built, (rounds + over + 2) * AT_ONCE // 2)
    limit = _ms(empty, 0.99)
    return [
        at_most("notice to commit, p99", _ms(waited, 0.99), "ms", P99_GOAL),
        told("notice to commit, p50", _ms(waited, 0.5), "ms"),
        told("notices taken", len(waited) / sum(spans), "notices/s"),
        told("notices at once", AT_ONCE, "notices, half duplicates"),
        beside("over HTTP, signed and sealed, p99", _ms(taken, 0.99), "ms", ("empty endpoint, p99", limit)),
        told("over HTTP, signed and sealed, p50", _ms(taken, 0.5), "ms"),
    ]


def _ms(seconds: list[float], share: float) -> float:
    """The quantile, in milliseconds."""
    return 1000 * sorted(seconds)[int(len(seconds) * share)]


@asynccontextmanager
async def _intake(built: Stage) -> AsyncIterator[NoticeIntake]:
    """The intake of an API process, on connections like its own."""
    engine = notice_engine(built.environment["ZHIAN_DATABASE_URL"])
    try:
        yield NoticeIntake(Database(engine))
    finally:
        await engine.dispose()


async def _payer(built: Stage, compound_id: int) -> Actor:
    """Somebody verified in a home of the compound."""
    place = {"county_id": built.county, "town_id": built.county + 1, "community_id": built.county + 2}
    place |= {"compound_id": compound_id}
    async with built.database.unit_of_work(system_actor(Scope(counties=(built.county,)))) as uow:
        made = await uow.session.execute(insert(Building).values(place | {"name": "1"}).returning(Building.id))
        row = place | {"building_id": made.scalar_one(), "unit": "1", "door": "1"}
        home_id = (await uow.session.execute(insert(Home).values(row).returning(Home.id))).scalar_one()
        person = {"phone_sealed": b"bench", "phone_index": compound_id.to_bytes(16, "big"), "name": ""}
        account = await uow.session.execute(insert(Account).values(person).returning(Account.id))
        account_id: int = account.scalar_one()
    lives = (Household(home_id, compound_id, HomeRole.OWNER, Trust.OFFICE, built.database.clock()),)
    return Actor(ActorKind.ACCOUNT, account_id, households=lives, scope=scope_of((), lives, account_id))


async def _notices(built: Stage, payers: list[Actor], subjects: count[int]) -> list[Notice]:
    """So many payments under way, each told of twice, in any order."""
    wanted = [payers[n % len(payers)] for n in range(AT_ONCE // 2)]
    slots = asyncio.Semaphore(6)

    async def bought(payer: Actor) -> Notice:
        async with slots:
            return await _bought(built, payer, next(subjects))

    told_once = await asyncio.gather(*(bought(payer) for payer in wanted))
    told_twice = [*told_once, *(replace(notice) for notice in told_once)]
    random.Random(7).shuffle(told_twice)  # noqa: S311 - an order of arrival, no secret
    return told_twice


async def _bought(built: Stage, payer: Actor, subject: int) -> Notice:
    (home,) = payer.households
    async with built.database.unit_of_work(payer) as uow:
        charges = await open_charges(uow, [NewCharge(home.home_id, ChargeKind.PROPERTY, subject, FEN, "bench")])
        order_id = await service.create_order(uow, charge_ids=charges)
        started = await service.start_attempt(uow, order_id=order_id, channel=Channel.WECHAT_NATIVE, party=PARTY)
        await service.record_prepay(uow, attempt_id=started.attempt_id, prepay=Prepay(url="bench"))
        number, at = started.trade.out_trade_no, uow.now
    vendor, party = Channel.WECHAT_NATIVE.vendor, (PARTY.app_id, PARTY.seller_id)
    return Notice(vendor, f"N{number}", NoticeKind.PAID, number, f"T{number}", FEN, *party, at, "SUCCESS")


async def _round(intake: NoticeIntake, notices: list[Notice]) -> tuple[list[float], float]:
    """All notices at once: how long each waited, and all together."""
    waited = list[float]()

    async def take(notice: Notice) -> None:
        started = time.perf_counter()
        await intake.take(notice)
        waited.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(take(notice) for notice in notices))
    return waited, time.perf_counter() - started


async def _check(built: Stage, payments: int) -> None:
    """Raises RuntimeError when something was not credited once."""
    async with built.database.reader(Scope(counties=(built.county,))) as reader:
        paid = await reader.scalar(select(func.count()).where(PaymentAttempt.credited.is_(True)))
        entries = await reader.scalar(select(func.count()).where(LedgerEntry.kind == "paid"))
        receipts = await reader.scalar(select(func.count()).select_from(Receipt))
    if (paid, entries, receipts) != (payments, payments, payments):
        raise RuntimeError(f"{payments} payments, {paid} credited, {entries} entries, {receipts} receipts")
