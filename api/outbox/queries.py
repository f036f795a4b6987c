"""Root queries and node readers of the outbox."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.nodes import NodeReader, by_number
from api.outbox import loaders, types
from api.paging import Connection, connection
from domain.estate.dead_letters.queries import letter_page
from domain.kernel.paging import page_size

MOST_BIGINT = 2**63 - 1


@strawberry.type
class OutboxQuery:
    """Root queries of the outbox."""

    @strawberry.field(description="Events of the caller's county that were given up, oldest first. 投递失败的事件。")
    async def dead_letters(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[types.DeadLetter]:
        context = info.context
        page = await letter_page(context.read, context.actor, first=page_size(first), after=after)
        return connection(page, types.letter)


read_letter = by_number(loaders.letters, types.letter, most=MOST_BIGINT)


NODE_READERS: dict[str, NodeReader] = {"DeadLetter": read_letter}
