"""Who may open an attached picture: whoever sees the thing it shows, as the slice of that thing says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from domain.community.repairs.queries import repairs_by_id
from domain.community.uploads.rules import Subject
from domain.kernel.actor import Actor
from domain.kernel.uow import Reader

Sees = Callable[[Reader, Actor, int], Awaitable[bool]]
"""Whether the actor sees the thing with this id."""


async def _sees_repair(reader: Reader, actor: Actor, repair_id: int) -> bool:
    return bool(await repairs_by_id(reader, actor, [repair_id]))


RIGHTS: Mapping[Subject, Sees] = {Subject.REPAIR: _sees_repair}
"""A row for each slice that takes pictures; without one nobody opens them."""
