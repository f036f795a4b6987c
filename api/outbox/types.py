"""GraphQL types of the outbox."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.estate.types import Area, area_of
from api.nodes import Node, global_id
from domain.kernel.uow import AnyRow


@strawberry.type(description="An event that was given up after all its attempts. 投递失败的事件。")
class DeadLetter(Node):
    """What failed and how often; not what the event says."""

    name: str
    attempts: int
    created_at: datetime
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The code or type of the last error. 最近一次错误的代码。")
    def last_error(self) -> str | None:
        return error_code(self.row.last_error)

    @strawberry.field(description="The compound the event is of. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


def error_code(said: str | None) -> str | None:
    """The first word of what the relay wrote: the code or type. Where in the code it failed stands in the log."""
    return said.partition(" ")[0] if said else None


def letter(row: AnyRow) -> DeadLetter:
    """The object of a row."""
    return DeadLetter(
        id=global_id("DeadLetter", row.id), name=row.name, attempts=row.attempts, created_at=row.created_at, row=row
    )
