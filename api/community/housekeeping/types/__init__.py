"""GraphQL types of housekeeping. The domain's enumerations become types here, before any type or input names one."""

from __future__ import annotations

import strawberry

from domain.community.housekeeping.calendar import Every
from domain.community.housekeeping.rules import State, Unit

strawberry.enum(Unit, name="HousekeepingUnit", description="What a price is for. 计价单位。")
strawberry.enum(State, name="HousekeepingState", description="Where a booking is. 预约状态。")
strawberry.enum(Every, name="HousekeepingEvery", description="How often a series recurs. 周期。")
