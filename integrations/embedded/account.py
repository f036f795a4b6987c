"""Which account embedded servers run as, and where that account can reach them.

PostgreSQL refuses to run as root. Started by anybody else, servers run as that user, inside the data directory. Started
by root they run as the first of ``ACCOUNTS`` the machine has. That account must reach the programs and its own files;
a clone below a closed home (``/root``, 0700) does not let it. Nothing existing is ever opened up for it: what it cannot
reach is kept, or copied to, ``SERVICE_HOME`` instead.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from integrations.embedded.process import EmbeddedServerError

ACCOUNTS = ("zhian", "postgres", "nobody")
SERVICE_HOME = Path("/var/lib/zhian")
SOCKET_PATH_BYTES = 100  # 108 on Linux, 104 on macOS, less room for a lock file's ending
LONGEST_SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Account:
    """Who servers run as; ``uid`` and ``gid`` are None when that is ourselves."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path, mode: int = 0o700) -> Path:
        """Make the folder ``path`` belong to this account alone."""
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        path.chmod(mode)
        return path

    def reaches(self, path: Path) -> bool:
        """Whether this account can walk to ``path``, read it and, for a program or folder, execute or enter it."""
        if self.uid is None:
            return True
        probe = ["/bin/sh", "-c", 'test -r "$0" || test -x "$0"', str(path)]
        done = subprocess.run(  # noqa: S603 - our own argument list
            probe, user=self.uid, group=self.gid, extra_groups=[], cwd="/", check=False
        )
        return done.returncode == 0


def server_account() -> Account:
    """The account for servers: ourselves, or for root the first of ``ACCOUNTS``."""
    if os.geteuid() != 0:
        return Account()
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerError(f"NO_ACCOUNT: root needs one of the users {', '.join(ACCOUNTS)} to run PostgreSQL as")


def make_data_dir(data_dir: Path) -> None:
    """Make ``data_dir`` if it is not there: open to its owner alone, except that root's servers may walk through."""
    _make(data_dir, 0o711 if os.geteuid() == 0 else 0o700)


def server_home(data_dir: Path, account: Account) -> Path:
    """The folder for server files: ``data_dir``, or one below SERVICE_HOME that ``data_dir/servers`` names."""
    make_data_dir(data_dir)
    if account.reaches(data_dir):
        return data_dir
    pointer = data_dir / "servers"
    if not pointer.exists():
        pointer.write_text(secrets.token_hex(8))
    _make(SERVICE_HOME, 0o711)
    home = SERVICE_HOME / pointer.read_text().strip()
    _make(home, 0o711)
    return home


def programs(distribution: str, account: Account, *parts: str) -> Path:
    """The folder that holds ``parts``, folders of an installed ``distribution``: where it is installed, or a copy.

    The copy stands in SERVICE_HOME, for an ``account`` that cannot reach the original; each version's is made once.
    Raises EmbeddedServerError when it is not installed.
    """
    try:
        installed = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        raise EmbeddedServerError(f"NOT_INSTALLED: the package {distribution} is missing") from None
    root = Path(str(installed.locate_file("")))
    return reachable(root, f"{distribution}-{installed.version}", account, *parts)


def reachable(root: Path, name: str, account: Account, *parts: str) -> Path:
    """``root``, or a copy of its ``parts`` in SERVICE_HOME/``name`` when ``account`` cannot reach them there."""
    if all(account.reaches(file) for part in parts for file in _sample(root / part)):
        return root
    target = SERVICE_HOME / name
    if not target.exists():
        _make(SERVICE_HOME, 0o711)
        fresh = Path(tempfile.mkdtemp(dir=SERVICE_HOME))
        for part in parts:
            shutil.copytree(root / part, fresh / part, symlinks=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            fresh.rename(target)
        except OSError:  # another start made it first
            shutil.rmtree(fresh)
    return target


def socket_dir(home: Path, account: Account) -> Path:
    """A folder for sockets that only ``account`` (and root) may enter, with a path short enough for one."""
    near = home / "run"
    if len(os.fsencode(near / LONGEST_SOCKET)) <= SOCKET_PATH_BYTES:
        return account.own(near)
    uid = os.geteuid() if account.uid is None else account.uid
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"zhian-{name}"
    if not folder.exists():
        return account.own(folder)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != uid or found.st_mode & 0o077:
        raise EmbeddedServerError(f"SOCKET_FOLDER_TAKEN: {folder} is not ours; use a shorter --data-dir")
    return folder


def _make(folder: Path, mode: int) -> None:
    """Make ``folder`` with exactly ``mode``; leave one that is there as it is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(mode)


def _sample(folder: Path) -> list[Path]:
    """The folder itself and its first few files: packages are unpacked with one mask throughout."""
    return [folder, *sorted(folder.iterdir())[:3]]
