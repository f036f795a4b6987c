"""Root mutations of the outbox."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.nodes import row_id
from api.outbox.queries import MOST_BIGINT
from domain.estate.dead_letters.service import retry_letters


@strawberry.type
class OutboxMutation:
    """Root mutations of the outbox."""

    @strawberry.mutation(description="Try dead letters again, 100 at most; how many will be. 重新投递失败的事件。")
    async def retry_dead_letters(self, info: Info, ids: list[strawberry.ID]) -> int:
        letters = [row_id(id, "DeadLetter", field="ids", most=MOST_BIGINT) for id in ids]
        async with info.context.uow() as uow:
            return await retry_letters(uow, ids=letters)
