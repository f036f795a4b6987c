"""What is broken in the demo's homes: a repair nobody has taken, one whose quotation waits, and one done and rated.

Each step is taken by who takes it in life, when they would have, through the commands of the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from cli.demo_world.people import LIVED_THERE
from domain.community.repairs import service, working
from domain.community.repairs.rules import Item, ItemKind, RepairKind, Skill
from domain.community.repairs.service import NewRepair
from domain.estate.queries import CompoundPlace
from domain.identity.models import RoleGrant
from domain.kernel.actor import Actor, ActorKind, Grant, HomeRole, Household, Level, Role, Trust, scope_of
from domain.kernel.uow import AnyRow, UnitOfWork

HOURS, DAYS = timedelta(hours=1), timedelta(days=1)
SKILLS: Final = ((Skill.APPLIANCE, Skill.GAS), (Skill.APPLIANCE, Skill.FURNITURE))
FRIDGE: Final = (Item(ItemKind.PART, "温控器", 1, 8_600), Item(ItemKind.LABOUR, "上门维修", 1, 6_000))
DOOR: Final = (Item(ItemKind.PART, "合页", 2, 1_500), Item(ItemKind.LABOUR, "上门维修", 1, 5_000))


async def repairs(uow: UnitOfWork, place: CompoundPlace, homes: Sequence[int], owners: Sequence[int]) -> None:
    """The repairs of a compound. homes: three of it; owners: an account of each, verified by the office."""
    workers = await _workers(uow, place.compound_id)
    for worker, skills in zip(workers, SKILLS, strict=True):
        await working.set_skills(uow, grant_id=worker.id, skills=skills)
    first, second = (_worker(worker.account_id, place) for worker in workers)
    residents = [
        _resident(account, home, place, uow.now - LIVED_THERE) for account, home in zip(owners, homes, strict=True)
    ]

    nine = (uow.now + DAYS).astimezone(ZoneInfo(place.timezone)).replace(hour=9, minute=0, second=0, microsecond=0)
    washing = NewRepair(homes[0], RepairKind.WASHING_MACHINE, "滚筒不转", "通电有响声", (nine, nine + 2 * HOURS))
    await service.request_repair(_as(uow, residents[0], uow.now - HOURS / 2), washing)

    begun = uow.now - 20 * HOURS
    fridge = NewRepair(homes[1], RepairKind.REFRIGERATOR, "冷藏室不制冷", "冷冻室正常")
    number = await service.request_repair(_as(uow, residents[1], begun), fridge)
    await working.grab_repair(_as(uow, first, begun + HOURS), repair_id=number)
    await working.quote_repair(_as(uow, first, uow.now - 2 * HOURS), repair_id=number, items=FRIDGE, note="温控器损坏")

    begun = uow.now - 6 * DAYS
    door = NewRepair(homes[2], RepairKind.DOOR_OR_WINDOW, "卧室门合页松动")
    number = await service.request_repair(_as(uow, residents[2], begun), door)
    await working.grab_repair(_as(uow, second, begun + HOURS), repair_id=number)
    await working.quote_repair(_as(uow, second, begun + 2 * HOURS), repair_id=number, items=DOOR)
    await service.answer_quotation(_as(uow, residents[2], begun + 3 * HOURS), repair_id=number, accept=True)
    await working.start_repair(_as(uow, second, begun + DAYS), repair_id=number)
    await working.finish_repair(_as(uow, second, begun + DAYS + HOURS), repair_id=number, note="更换两只合页")
    await service.rate_repair(_as(uow, residents[2], begun + 2 * DAYS), repair_id=number, stars=5, text="修得很好")
    office = replace(uow, now=begun + 3 * DAYS)
    await service.record_return_visit(office, repair_id=number, satisfied=True, note="住户满意")


def _as(uow: UnitOfWork, who: Actor, at: datetime) -> UnitOfWork:
    """The same transaction in the hands of somebody, at an earlier time."""
    return replace(uow, actor=who, now=at)


async def _workers(uow: UnitOfWork, compound_id: int) -> Sequence[AnyRow]:
    grants = select(RoleGrant.id, RoleGrant.account_id).where(
        RoleGrant.compound_id == compound_id, RoleGrant.role == str(Role.SERVICE_WORKER)
    )
    return (await uow.session.execute(grants.order_by(RoleGrant.id))).all()


def _worker(account_id: int, place: CompoundPlace) -> Actor:
    grants = (Grant(Role.SERVICE_WORKER, place.compound_id, Level.COMPOUND),)
    return Actor(ActorKind.ACCOUNT, account_id, grants=grants, scope=scope_of(grants, (), account_id))


def _resident(account_id: int, home_id: int, place: CompoundPlace, since: datetime) -> Actor:
    homes = (Household(home_id, place.compound_id, HomeRole.OWNER, Trust.OFFICE, since),)
    return Actor(ActorKind.ACCOUNT, account_id, households=homes, scope=scope_of((), homes, account_id))
