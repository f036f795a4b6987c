"""Who cleans in the demo's compounds, for how much, and when: every compound has a provider with its two workers."""

from __future__ import annotations

from typing import Final

from cli.demo_world.people import officials
from cli.demo_world.places import Compound
from domain.community.housekeeping.calendar import Shift
from domain.community.housekeeping.catalogue import NewProvider, NewService, add_provider, add_service
from domain.community.housekeeping.rules import Terms, Unit
from domain.community.housekeeping.staff import add_worker, set_hours
from domain.identity.ports import Vault
from domain.kernel.actor import Role
from domain.kernel.uow import UnitOfWork

PRICES: Final = (
    ("日常保洁", "扫地、拖地、厨卫清洁", Terms(Unit.HOUR, 4_500, 9_000, 120, None, 24, 30)),
    ("深度保洁", "含玻璃和油烟机外部", Terms(Unit.SQUARE_METRE, 600, 30_000, 180, 20, 24, 30)),
    ("空调清洗", "一台挂机", Terms(Unit.VISIT, 12_800, 0, 60, None, 12, 50)),
)
WEEKDAYS: Final = [Shift(day, opens, closes) for day in range(1, 6) for opens, closes in ((480, 720), (780, 1080))]
WITH_SATURDAYS: Final = [Shift(day, 540, 1080) for day in range(2, 7)]


async def clean(uow: UnitOfWork, vault: Vault, compound: Compound, area_id: int) -> None:
    """Enter the provider of a compound, its price list, its workers and their weeks."""
    name = f"示例家政{compound.mark}"
    provider = await add_provider(uow, new=NewProvider(area_id, name, contact="0573-00000000"))
    for service, description, terms in PRICES:
        await add_service(uow, new=NewService(provider, service, terms, description))
    people = [each for each in officials() if each.role is Role.SERVICE_WORKER and each.area == compound.name]
    for person, week in zip(people, (WEEKDAYS, WITH_SATURDAYS), strict=True):
        worker = await add_worker(uow, vault=vault, provider_id=provider, phone=person.phone, name=person.name)
        await set_hours(uow, worker_id=worker, shifts=week)
