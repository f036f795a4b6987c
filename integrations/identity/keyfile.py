"""Key files: JSON, mode 0600, written whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class UnsafeKeyFile(RuntimeError):
    """A key file that others may read."""


def read_key_file(path: Path) -> dict[str, Any]:
    """The key file's content. Raises UnsafeKeyFile when group or others may read it."""
    if path.stat().st_mode & 0o077:
        raise UnsafeKeyFile(f"{path} must not be readable by group or others (chmod 600)")
    content = json.loads(path.read_bytes())
    assert isinstance(content, dict)  # noqa: S101 - only this module writes it
    return content


def _write_beside(path: Path, content: dict[str, Any]) -> Path:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(json.dumps(content, indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
    return beside


def replace_key_file(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` in one step: readers see the old file or the new one. It stays its owner's, also under root."""
    beside = _write_beside(path, content)
    before = path.stat() if path.exists() else beside.stat()
    if (before.st_uid, before.st_gid) != (beside.stat().st_uid, beside.stat().st_gid):
        os.chown(beside, before.st_uid, before.st_gid)
    beside.replace(path)


@contextmanager
def sole_writer(directory: Path) -> Iterator[None]:
    """Hold the right to replace key files of ``directory``: of two rotations at once neither may lose the other's key.

    The folder itself is locked, so that nothing but key files stands in it.
    """
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_or_create(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The key file, made first if there is none. Several processes may do this at once: one file wins for all."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = _write_beside(path, make())
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return read_key_file(path)
