"""Subscribers with the same operation and the same rights: an item is filtered and rendered once for all of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Protocol

from api.live.log import LogItem, within
from domain.kernel.actor import Scope
from domain.kernel.paging import LogCursor

Render = Callable[[LogItem], Awaitable[Any]]
REMEMBERED = 256


class Sink(Protocol):
    """Where a subscriber's items go."""

    def offer(self, payload: Any, cursor: LogCursor) -> bool:
        """Take one rendered item at once; False when it must wait there. A sink that is full closes itself."""

    async def room(self) -> None:
        """Wait until a replayed item can be taken."""


class Group:
    """Members whose items are the same: same scope, same rights and arguments (``key``), same operation.

    While members replay, rendered items are remembered, so that many replaying the same rows render them once too.
    Only areas, ``admit`` and the operation decide what a member sees; members differ in nothing but their place.
    """

    def __init__(self, key: Hashable, scope: Scope, admit: Callable[[Any], bool]) -> None:
        self.key = key
        self.scope = scope
        self._admit = admit
        self.live: dict[Member, None] = {}
        self.waiting: dict[Member, None] = {}
        self._rendered: OrderedDict[LogCursor, asyncio.Future[Any]] = OrderedDict()

    def admits(self, item: LogItem) -> bool:
        """Whether the members may see ``item``."""
        return within(item, self.scope) and self._admit(item)

    async def payload(self, item: LogItem) -> Any:
        """``item`` rendered for the members; by whichever of them is still here."""
        task = self._rendered.get(item.cursor)
        if task is None:
            member = next(iter(self.live or self.waiting))
            task = self._rendered[item.cursor] = asyncio.ensure_future(member.render(item))
            if len(self._rendered) > REMEMBERED:
                self._rendered.popitem(last=False)
        try:
            payload = await asyncio.shield(task)  # a member that leaves must not cancel the others' item
        except Exception:
            self._rendered.pop(item.cursor, None)
            raise
        if not self.waiting:  # live members have it all at once: nobody will ask again
            self._rendered.clear()
        return payload


class Member:
    """One subscriber of a tail: waiting (replaying, live items put aside) or live.

    behind: its last item had to wait for it; those who keep up are served first. floor: what it has seen already
    although the tail has not come so far (from another process, say). lost: called once when the log was restored and
    its place in it means nothing any more; it is no member then.
    """

    def __init__(
        self, group: Group, sink: Sink, render: Render, after: LogCursor | None, lost: Callable[[], None]
    ) -> None:
        self.group = group
        self.sink = sink
        self.render = render
        self.after = after
        self.lost = lost
        self.live_from: LogCursor | None = None
        self.floor: LogCursor | None = None
        self.behind = False
        self.followed = asyncio.Event()
        self.aside: deque[LogItem] = deque()
        self.replay: asyncio.Task[None] | None = None
