"""What a subscription resolver returns, and the hub it gets it from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from typing import Any, Final

from api.live.group import Group, Member, Render, Sink
from api.live.log import LogItem, LogSource
from api.live.tail import Tail
from domain.kernel.actor import Scope
from domain.kernel.paging import LogCursor, StaleCursor
from domain.kernel.uow import News


def _nothing() -> None:
    """Nobody asked to be told."""


class Feed:
    """A live feed for one subscriber, not yet attached.

    To schemas and tests it is an async iterable of presented items; the endpoint attaches it straight to a socket,
    which renders each item once for all subscribers of the same ``key`` and operation.
    """

    def __init__(
        self,
        tail: Tail,
        *,
        scope: Scope,
        admit: Callable[[Any], bool],
        present: Callable[[Any], Any],
        key: Hashable | None,
        after: LogCursor | None,
    ) -> None:
        self._tail = tail
        self._scope = scope
        self._admit = admit
        self._key = key
        self.present = present
        self.after = after

    def attach(
        self, operation: Hashable, render: Render, sink: Sink, lost: Callable[[], None] = _nothing
    ) -> Callable[[], None]:
        """Send items to ``sink`` from ``after`` on; call the result to stop.

        ``operation`` stands for everything else that decides how an item reads (document, variables). ``lost`` is
        called when nothing more will come, as the log was restored from a backup (StaleCursor).
        """
        own = object() if self._key is None else self._key
        key = (self._scope, own, operation)
        group = self._tail.group(key) or Group(key, self._scope, self._admit)
        member = Member(group, sink, render, self.after, lost)
        self._tail.join(member)
        return lambda: self._tail.leave(member)

    async def __aiter__(self) -> AsyncIterator[Any]:
        queue = _Queue()

        async def render(item: LogItem) -> Any:
            return self.present(item)

        stop = self.attach(object(), render, queue, queue.lost)
        try:
            while True:
                item = await queue.items.get()
                if item is LOST:
                    raise StaleCursor
                yield item
        finally:
            stop()


LOST: Final = object()


class _Queue:
    def __init__(self) -> None:
        self.items: asyncio.Queue[Any] = asyncio.Queue()

    def offer(self, payload: Any, cursor: LogCursor) -> bool:
        del cursor
        self.items.put_nowait(payload)
        return True

    def lost(self) -> None:
        self.items.put_nowait(LOST)

    async def room(self) -> None:
        """Always: the one reader of the iterator sets the pace of replay by itself."""


class FeedHub:
    """The tails of one process, by topic of news ("alerts", "events")."""

    def __init__(self, sources: Mapping[str, LogSource], *, poll_seconds: float = 1.0) -> None:
        self._tails = {name: Tail(name, source, poll_seconds=poll_seconds) for name, source in sources.items()}

    def feed(
        self,
        name: str,
        *,
        scope: Scope,
        admit: Callable[[Any], bool],
        present: Callable[[Any], Any],
        key: Hashable | None = None,
        after: LogCursor | None = None,
    ) -> Feed:
        """A feed of the log ``name`` for one subscriber.

        ``scope``: the areas it follows (areas only, already checked against the subscriber's rights). ``admit``: a
        synchronous test of one item by the subscriber's rights and the field's arguments. ``present``: the value of
        the subscription field for an item. ``key``: subscribers with equal keys must admit the same items and read
        them in the same words: build it from the rights, the arguments other than ``after`` and the language, and
        from the account where any field of the item depends on it. None shares with nobody.
        """
        return Feed(self._tails[name], scope=scope, admit=admit, present=present, key=key, after=after)

    def on_news(self, news: News) -> None:
        """Look at once at the logs that have news."""
        for topic in news.topics:
            if tail := self._tails.get(topic):
                tail.wake()

    def members(self) -> dict[str, int]:
        """Subscribers per log, for metrics."""
        return {name: tail.members for name, tail in self._tails.items()}

    async def close(self) -> None:
        """Let every subscriber go."""
        for tail in self._tails.values():
            await tail.close()
