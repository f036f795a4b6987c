"""What tests of the audit log share: acts in a chain, and what a verification says."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.identity.audit.rules import Seal
from domain.identity.audit.service import sign_heads
from domain.identity.audit.verification import Auditing
from domain.kernel.actor import NOTHING, Actor, ActorKind, Scope, system_actor
from domain.kernel.acts import Act
from domain.kernel.uow import Database
from integrations.identity.audit import AuditKeys

CHAIN = 7
WORKER = system_actor(NOTHING)
SOMEBODY = Actor(ActorKind.ACCOUNT, account_id=5, session_id=6, scope=Scope(account=5))


@dataclass(frozen=True)
class Where:
    """A compound's place."""

    compound_id: int = CHAIN
    community_id: int = 3
    town_id: int = 2
    county_id: int = 1


def act(number: int, chain: int = CHAIN) -> Act:
    """An act with something in every column."""
    return Act(
        "alert.assigned",
        "Alert",
        f"{chain}.{number}",
        Where(chain) if chain else None,
        (12, 11),
        {"account": number, "kind": "烟雾", "ids": [3, 1, 2], "none": None, "z": {"b": True, "a": "\u2028"}},
    )


async def acted(engine: AsyncEngine, count: int, chain: int = CHAIN, actor: Actor = SOMEBODY) -> None:
    """``count`` acts, each in a statement of its own."""
    for number in range(1, count + 1):
        await Database(engine).record(actor, [act(number, chain)], request_id="request-1")


class Kept:
    """A log of heads in memory."""

    def __init__(self) -> None:
        self.seals: list[Seal] = []

    def append(self, seals: list[Seal]) -> None:  # type: ignore[override]  # a list is what it gets
        self.seals += seals


async def signed(database: Database, signer: AuditKeys) -> list[Seal]:
    """Sign every chain that has grown; what was signed."""
    kept = Kept()
    async with database.unit_of_work(WORKER) as uow:
        await sign_heads(uow, signer=signer, log=kept, limit=100)
    return kept.seals


async def named(auditing: Auditing, chain: int = CHAIN) -> list[tuple[str, int, int]]:
    """Kind and rows of every finding of a chain."""
    report = await auditing.check(chain)
    assert report.uncounted == 0
    return [(str(found.kind), found.first, found.last) for found in report.findings]
