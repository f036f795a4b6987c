"""Files of bills that a property company's own system drops into a folder, by SFTP or otherwise.

``<inbox>/<number of the compound>/<name>.csv`` or ``.xlsx``. What has lain still for a minute is handed to the
compound's office, to be looked at like any other file, and deleted: from then on it is sealed. Whoever renames it first
has it; what a worker that was killed had taken is found again after an hour. Then it may be handed in twice, and each
bill is known by its own number.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Final

import structlog

from domain.community.bills.imports import service
from domain.community.bills.imports.errors import BadSheet
from domain.identity.ports import Vault
from domain.kernel.actor import Scope, system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Database
from integrations.sheets import MOST_BYTES, format_of
from workers.schedule import Step

STILL: Final = timedelta(minutes=1)
LEFT: Final = timedelta(hours=1)
BATCH: Final = 20
TAKEN, REFUSED = ".taken", ".refused"
_COMPOUND: Final = re.compile(r"[1-9][0-9]{0,8}")
_NAME: Final = re.compile(r"[^.].*\.(csv|xlsx)", re.IGNORECASE)
_LEFT: Final = re.compile(rf"\.(.+)\.([0-9a-f]{{8}})-[0-9a-f]{{8}}{re.escape(TAKEN)}")
Ripe = tuple[Path, str]
"""A file, and its name as it was dropped."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that this worker has taken; ``path`` is where it lies now, ``name`` what it was called."""

    compound_id: int
    path: Path
    name: str


def inbox_steps(inbox: Path | None, vault: Vault) -> tuple[Step, ...]:
    """The step that takes files out of ``inbox``; none without one."""
    if inbox is None:
        return ()

    async def run(database: Database) -> int:
        return await take_files(database, vault, inbox)

    return (Step("bills.inbox", timedelta(minutes=1), run, batch=BATCH),)


async def take_files(database: Database, vault: Vault, inbox: Path) -> int:
    """Hand in what has been dropped, at most ``BATCH`` files; how many were taken, refused ones among them."""
    files = await asyncio.to_thread(_take, inbox, database.clock().timestamp())
    for file in files:
        try:
            await _hand_in(database, vault, file)
        except DomainError as error:
            log.warning("bills.file_refused", compound=file.compound_id, code=error.code)
            _put_away(file, file.path.with_name(file.name + REFUSED))
        else:
            _put_away(file, None)
    return len(files)


def _put_away(file: Dropped, to: Path | None) -> None:
    """Rename it, or delete it. Whoever drops files may have taken it, or our right to its folder, away: that keeps no
    other folder waiting."""
    try:
        if to is None:
            file.path.unlink()
        else:
            file.path.rename(to)
    except OSError as error:
        log.warning("bills.file_not_put_away", compound=file.compound_id, error=type(error).__name__)


async def _hand_in(database: Database, vault: Vault, file: Dropped) -> None:
    """Raises BadSheet, NotFound, InvalidText: it will never be taken."""
    content = await asyncio.to_thread(_content, file.path)
    async with database.unit_of_work(system_actor(Scope(compounds=(file.compound_id,)))) as uow:
        made = await service.upload(
            uow,
            vault=vault,
            compound_id=file.compound_id,
            name=file.name,
            form=format_of(content),
            content=content,
        )
        await service.start(uow, import_id=made)


def _content(path: Path) -> bytes:
    """What is in it. Raises BadSheet for what is no file of its own, or larger than any file of bills.

    Whoever may drop files may have put a link or a pipe in its place since it was looked at.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(MOST_BYTES + 1) if regular else b""
    except OSError:
        raise BadSheet(field="file") from None
    if not content or len(content) > MOST_BYTES:
        raise BadSheet(field="file")
    return content


def _take(inbox: Path, now: float) -> list[Dropped]:
    """Take what lies still, one of each folder, then the next of each; no folder but a compound's."""
    taken: list[Dropped] = []
    for path, name in _in_turn([_ripe_of(folder, now) for folder in sorted(_folders(inbox))]):
        if len(taken) >= BATCH:
            break
        # The name tells since when it is this worker's: the time of somebody else's file is not ours to set.
        mine = path.with_name(f".{name}.{int(now):08x}-{secrets.token_hex(4)}{TAKEN}")
        try:
            path.rename(mine)
        except OSError:  # another worker has it, or it was taken back
            continue
        taken.append(Dropped(int(path.parent.name), mine, name))
    return taken


def _in_turn(folders: list[list[Ripe]]) -> Iterator[Ripe]:
    for row in zip_longest(*folders):
        yield from (ripe for ripe in row if ripe is not None)


def _folders(inbox: Path) -> Iterator[Path]:
    for folder in inbox.iterdir() if inbox.is_dir() else ():
        if _COMPOUND.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            yield folder


def _ripe_of(folder: Path, now: float) -> list[Ripe]:
    """What is to be taken of a folder, by name; nothing of one that is not to be read, or gone."""
    try:
        found = [(path, _ripe(path, now)) for path in sorted(folder.iterdir())]
    except OSError as error:
        log.warning("bills.folder_not_read", compound=int(folder.name), error=type(error).__name__)
        return []
    return [(path, name) for path, name in found if name is not None]


def _ripe(path: Path, now: float) -> str | None:
    """The name of a file that is to be taken, as it was dropped; None for all else."""
    left = _LEFT.fullmatch(path.name)
    name = left[1] if left else path.name
    if not _NAME.fullmatch(name):
        return None
    try:
        found = path.lstat()
    except OSError:  # taken, or taken back
        return None
    since = int(left[2], 16) if left else found.st_mtime
    still = LEFT if left else STILL
    return name if stat.S_ISREG(found.st_mode) and now - since >= still.total_seconds() else None
