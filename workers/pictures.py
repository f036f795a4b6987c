"""Picture files whose time has passed. Rows first, then files; a file left behind by a crash is found by the walk.

A file is only removed when no row names it and it has not been touched for an hour: whoever stores a picture touches
its file before writing the row, so a picture that comes again just then is safe.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from domain.community.uploads.retention import forget_attachments, forget_uploads, needed_pictures
from domain.kernel.actor import system_actor
from domain.kernel.uow import Database, UnitOfWork
from domain.security.events.retention import forget_pictures, unused_pictures
from workers.schedule import alone, everything

UNTOUCHED = timedelta(hours=1)


class Forget(Protocol):
    """Deletes rows of pictures whose time has passed; the sha256 of each."""

    def __call__(self, uow: UnitOfWork, *, limit: int) -> Awaitable[list[str]]: ...


def _sha_of(path: Path) -> str:
    return path.name.partition(".")[0]


class PictureFiles:
    """The picture directory: ``<root>/ab/cd/<sha256>.jpg``, the folders named by the first digits."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._turn = itertools.cycle(f"{n:02x}" for n in range(256))

    def path(self, sha: str) -> Path:
        """Where the picture is, if it is kept."""
        return self.root / sha[:2] / sha[2:4] / f"{sha}.jpg"

    async def untouched(self, shas: Iterable[str], before: datetime) -> list[Path]:
        """Files of ``shas`` last touched before ``before``."""
        paths = [self.path(sha) for sha in sorted(set(shas))]
        return await asyncio.to_thread(lambda: [path for path in paths if _is_untouched(path, before.timestamp())])

    async def some(self, before: datetime, *, folders: int) -> list[Path]:
        """Files last touched before ``before`` in the next ``folders`` of the 256 folders, in turn."""
        turn = [self.root / next(self._turn) for _ in range(folders)]

        def walk() -> list[Path]:
            found = (Path(at) / name for folder in turn for at, _, names in os.walk(folder) for name in names)
            return [path for path in found if _is_untouched(path, before.timestamp())]

        return await asyncio.to_thread(walk)

    async def remove(self, paths: Iterable[Path], before: datetime) -> int:
        """Remove files still not touched since ``before``; how many were removed."""
        return await asyncio.to_thread(lambda: sum(_unlink_untouched(path, before.timestamp()) for path in paths))


def _is_untouched(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False


def _unlink_untouched(path: Path, before: float) -> bool:
    """Set the file aside, look at it again, remove it: a touch before that is seen, one after it finds no file."""
    aside = path.with_name(path.name + ".gone")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return False
    if aside.stat().st_mtime >= before:
        aside.rename(path)
        return False
    aside.unlink()
    return True


async def _remove_unused(database: Database, files: PictureFiles, paths: list[Path], before: datetime) -> int:
    if not paths:
        return 0
    scope = await everything(database)
    if not scope.counties:  # without a scope every file would look unused
        return 0
    async with database.unit_of_work(system_actor(scope)) as uow:
        unused = await unused_pictures(uow, sorted({_sha_of(path) for path in paths}))
        unused -= await needed_pictures(uow, sorted(unused))  # a file is shared by all that have the same bytes
    return await files.remove((path for path in paths if _sha_of(path) in unused), before)


async def forget_expired(database: Database, files: PictureFiles, *, batch: int) -> int:
    """Delete rows of expired pictures and, after the commit, the files nobody refers to any more; rows deleted."""
    return await _forget(database, files, "pictures.expired", forget_pictures, batch)


async def forget_unused(database: Database, files: PictureFiles, *, batch: int) -> int:
    """The same of pictures people sent that were not attached in time, and of attached ones whose time is over."""

    async def both(uow: UnitOfWork, *, limit: int) -> list[str]:
        return [*await forget_uploads(uow, limit=limit // 2), *await forget_attachments(uow, limit=limit // 2)]

    return await _forget(database, files, "uploads.expired", both, batch)


async def _forget(database: Database, files: PictureFiles, name: str, forget: Forget, batch: int) -> int:
    shas: list[str] = []

    async def rows(uow: UnitOfWork) -> int:
        shas.extend(await forget(uow, limit=batch))
        return len(shas)

    deleted = await alone(name, rows, everywhere=True)(database)
    before = database.clock() - UNTOUCHED
    await _remove_unused(database, files, await files.untouched(shas, before), before)
    return deleted


async def remove_left_behind(database: Database, files: PictureFiles, *, folders: int = 16) -> int:
    """Walk the next folders for files no row refers to (a crash between commit and removal); how many were removed."""
    before = database.clock() - UNTOUCHED
    return await _remove_unused(database, files, await files.some(before, folders=folders), before)
