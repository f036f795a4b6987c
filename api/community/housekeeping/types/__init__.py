"""GraphQL types of housekeeping. The domain's enumerations become types here, before any type or input names one."""

from __future__ import annotations

import strawberry

from domain.community.housekeeping.rules import Unit

strawberry.enum(Unit, name="HousekeepingUnit", description="What a price is for. 计价单位。")
