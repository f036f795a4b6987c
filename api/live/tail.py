"""The shared reader of one log.

A new member is first followed: from the start of a read, at position P, every live item beyond P is put aside for it.
Then its replay reads from its cursor until it has passed P, the items put aside follow, and it is live. The position
is a horizon, not the last item: each later snapshot's horizon is at least as far, so replay always gets past P, and
nothing lies between. No gap, no repeat.

When the log was restored from a backup, cursors of before mean nothing: who holds one is told and let go.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from operator import attrgetter
from typing import Any

import structlog

from api.live.group import Group, Member
from api.live.log import LogItem, LogSource, at, widest
from domain.kernel.actor import Scope
from domain.kernel.log import LogPage
from domain.kernel.paging import LogCursor, StaleCursor

log = structlog.get_logger(__name__)

PAGE = 500
ASIDE = 4_096
SETTLE_SECONDS = (0.001, 0.002, 0.005, 0.02, 0.1)
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)
REPLAYS_AT_ONCE = 4
BEHIND = attrgetter("behind")


class Tail:
    """Reads a log once for all members while there are any; on ``wake``, or every ``poll_seconds`` without news."""

    def __init__(self, name: str, source: LogSource, *, poll_seconds: float = 1.0, page: int = PAGE) -> None:
        self.name = name
        self._source = source
        self._poll = poll_seconds
        self._page = page
        self._groups: dict[Any, Group] = {}
        self._narrow: dict[int, set[Group]] = {}
        self._wide: set[Group] = set()
        self._joining: list[Member] = []
        self._position: LogCursor | None = None
        self._scope: Scope | None = None
        self._awake = asyncio.Event()
        self._replays = asyncio.Semaphore(REPLAYS_AT_ONCE)
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def members(self) -> int:
        """How many subscribers there are."""
        return sum(len(g.live) + len(g.waiting) for g in self._groups.values())

    def wake(self) -> None:
        """There may be something new."""
        self._awake.set()

    def join(self, member: Member) -> None:
        """Follow the log for ``member`` until ``leave``."""
        group = member.group
        group.waiting[member] = None
        if group.key not in self._groups:
            self._groups[group.key] = group
            scope = group.scope
            if scope.counties or scope.towns or scope.communities:
                self._wide.add(group)
            else:
                for compound in scope.compounds:
                    self._narrow.setdefault(compound, set()).add(group)
            self._scope = None
        self._joining.append(member)
        member.replay = asyncio.create_task(self._replay(member))
        self._awake.set()
        if self._task is None or self._task.done():
            self._position = None
            self._task = asyncio.create_task(self._follow())

    def leave(self, member: Member) -> None:
        """Forget ``member`` at once."""
        group = member.group
        group.live.pop(member, None)
        group.waiting.pop(member, None)
        if member.replay is not None:
            self._end(member.replay)
        if not group.live and not group.waiting and self._groups.get(group.key) is group:
            del self._groups[group.key]
            self._wide.discard(group)
            for compound in group.scope.compounds:
                if among := self._narrow.get(compound):
                    among.discard(group)
                    if not among:
                        del self._narrow[compound]
            self._scope = None
        if not self._groups and self._task is not None:
            self._end(self._task)
            self._task = None

    def _end(self, task: asyncio.Task[None]) -> None:
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        task.cancel()

    def group(self, key: Any) -> Group | None:
        """The group of ``key``, when it has members."""
        return self._groups.get(key)

    async def close(self) -> None:
        """Let every member go, and the reads in progress give their connections back."""
        for group in list(self._groups.values()):
            for member in [*group.live, *group.waiting]:
                self.leave(member)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _follow(self) -> None:
        failures = settling = 0
        while True:
            self._awake.clear()
            try:
                page = await self._read()
            except StaleCursor:
                self._lose_all()
                continue
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the database, look again
                log.warning("feed.unreadable", feed=self.name, error=repr(error))
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
                continue
            failures = 0
            for item in page.items:
                await self._dispatch(item)
            if not page.complete:
                continue
            settling = settling + 1 if page.held_back and not page.items else 0
            wait = SETTLE_SECONDS[min(settling, len(SETTLE_SECONDS) - 1)] if page.held_back else self._poll
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._awake.wait()

    def _lose_all(self) -> None:
        """The log this position was of is no more; without members this task ends."""
        log.warning("feed.restored", feed=self.name)
        self._position = None
        for group in list(self._groups.values()):
            for member in [*group.live, *group.waiting]:
                self._lose(member)

    def _lose(self, member: Member) -> None:
        self.leave(member)
        member.lost()

    async def _read(self) -> LogPage[Any]:
        if self._position is None:
            self._position = await self._source.end()
        joining, self._joining = self._joining, []
        for member in joining:
            member.live_from = self._position
            member.followed.set()
        if self._scope is None:
            self._scope = widest([g.scope for g in self._groups.values()])
        page = await self._source.after(self._position, self._scope, self._page)
        self._position = page.position
        return page

    async def _dispatch(self, item: LogItem) -> None:
        ready: list[tuple[Group, list[Member]]] = []
        for group in (*self._narrow.get(item.compound_id, ()), *self._wide):
            if not group.admits(item):
                continue
            for member in group.waiting:
                self._put_aside(member, item)
            if group.live:
                ready.append((group, list(group.live)))
        if len(ready) == 1:
            await self._send(item, *ready[0])
        elif ready:
            await asyncio.gather(*(self._send(item, group, members) for group, members in ready))

    async def _send(self, item: LogItem, group: Group, members: list[Member]) -> None:
        if not group.live:
            return
        try:
            payload = await group.payload(item)
        except Exception:
            log.exception("feed.unrendered", feed=self.name, cursor=item.cursor)
            return
        cursor = item.cursor
        for member in sorted(members, key=BEHIND):  # a crowd that does not read must not stand before one that does
            if member not in group.live:
                continue
            if member.floor is not None:
                if at(cursor) <= at(member.floor):
                    continue
                member.floor = None
            member.behind = not member.sink.offer(payload, cursor)

    def _put_aside(self, member: Member, item: LogItem) -> None:
        if not member.followed.is_set():
            return
        member.aside.append(item)
        if len(member.aside) > ASIDE:  # too far behind: replay reads these again from the log
            member.aside.clear()
            member.followed.clear()
            self._joining.append(member)

    async def _replay(self, member: Member) -> None:
        try:
            await self._catch_up(member)
        except StaleCursor:
            self._lose(member)

    async def _catch_up(self, member: Member) -> None:
        group, done = member.group, member.after
        if done is not None and not await self._reached(done):
            raise StaleCursor
        while True:
            await member.followed.wait()
            assert member.live_from is not None  # noqa: S101 - set with ``followed``
            if done is None:
                done = member.live_from
            if done.epoch != member.live_from.epoch:
                raise StaleCursor
            if at(done) < at(member.live_from):
                done = await self._replay_page(member, done)
                continue
            while member.aside and member.followed.is_set():
                item = member.aside.popleft()
                if at(item.cursor) > at(done):
                    done = item.cursor
                    await self._send_replayed(member, item)
            if member.followed.is_set():
                member.floor = done
                group.waiting.pop(member, None)
                group.live[member] = None
                return
            self._awake.set()

    async def _reached(self, place: LogCursor) -> bool:
        """Whether the log has come to ``place``: nobody was ever given one beyond its end."""
        if self._position is not None and at(place) <= at(self._position):
            return True
        while True:
            try:
                return at(place) <= at(await self._source.end())
            except Exception as error:  # noqa: BLE001 - as in _follow
                log.warning("feed.unreadable", feed=self.name, error=repr(error))
                await asyncio.sleep(RETRY_SECONDS[-1])

    async def _replay_page(self, member: Member, after: LogCursor) -> LogCursor:
        """Send one page beyond ``after``; where it ended."""
        failures = 0
        while True:
            try:
                async with self._replays:
                    page = await self._source.after(after, member.group.scope, self._page)
                break
            except StaleCursor:
                raise
            except Exception as error:  # noqa: BLE001 - as in _follow
                log.warning("feed.unreadable", feed=self.name, error=repr(error))
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
        for item in page.items:
            if member.group.admits(item):
                await self._send_replayed(member, item)
        return page.position

    async def _send_replayed(self, member: Member, item: LogItem) -> None:
        await member.sink.room()
        try:
            payload = await member.group.payload(item)
        except Exception:
            log.exception("feed.unrendered", feed=self.name, cursor=item.cursor)
            return
        member.sink.offer(payload, item.cursor)
