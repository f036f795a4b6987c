"""Key files: JSON, mode 0600, written whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
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
    """Write ``content`` in one step: readers see the old file or the new one."""
    _write_beside(path, content).replace(path)


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
