"""``zhian pg``: PostgreSQL's own programs, in the embedded version, on this deployment's database."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import psutil
import typer

from cli.running import DATA_DIR, DataDir, fail, read_state, sole_owner
from integrations.embedded import EmbeddedPostgres, EmbeddedServerError
from integrations.embedded.account import make_data_dir
from integrations.embedded.postgres import own_program

# What follows the program's name is the program's own.
CONTEXT: Final[Mapping[str, Any]] = {"ignore_unknown_options": True, "allow_interspersed_args": False}
CLIENTS: Final = ("pg_amcheck", "pg_basebackup", "pg_dump", "pg_dumpall", "pg_restore", "psql", "vacuumdb")
WITHOUT_SERVER: Final = ("pg_verifybackup",)


def command(
    program: Annotated[str, typer.Argument(help=f"{', '.join((*CLIENTS, *WITHOUT_SERVER))}.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its own arguments.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Make an empty cluster first, to load a dump into.")] = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Run a program of PostgreSQL on this deployment: on ZHIAN_DATABASE_URL, or as superuser of the embedded server.

    An embedded server that does not run is started for it and stopped after it. Backups: docs/operations.md.
    """
    os.umask(0o077)  # dumps hold everything
    if program not in (*CLIENTS, *WITHOUT_SERVER):
        raise fail("NO_PROGRAM", f"{program} is none of {', '.join((*CLIENTS, *WITHOUT_SERVER))}")
    argv = [str(own_program(program)), *(arguments or ())]
    if program in WITHOUT_SERVER:
        raise typer.Exit(_run(argv, {}))
    with _database(data_dir.absolute(), new=new) as url:
        raise typer.Exit(_run(argv, connection_of(url)))


def _run(argv: list[str], environment: Mapping[str, str]) -> int:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(argv, env=inherited | dict(environment), check=False).returncode


@contextmanager
def _database(data_dir: Path, *, new: bool) -> Iterator[str]:
    """The URL to connect to. Ends the command with status 2 when there is no database, or one where none should be."""
    if "ZHIAN_DATABASE_URL" in os.environ:
        yield os.environ["ZHIAN_DATABASE_URL"]
        return
    there = (data_dir / "postgres.json").exists()
    if there == new:
        said = "there is one already" if there else "is --data-dir right? --new makes one"
        raise fail("CLUSTER_EXISTS" if there else "NO_CLUSTER", f"{data_dir}: {said}")
    make_data_dir(data_dir)
    state = read_state(data_dir)
    server = EmbeddedPostgres(data_dir)
    if state is not None and psutil.pid_exists(state.pid):
        yield server.url(superuser=True)
        return
    with sole_owner(data_dir):
        try:
            server.start()
            yield server.url(superuser=True)
        except EmbeddedServerError as error:
            code, _, said = str(error).partition(": ")
            raise fail(code, said) from None
        finally:
            server.stop()


def connection_of(url: str) -> dict[str, str]:
    """What libpq reads from the environment, so that no password stands on a command line."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    found = {
        "PGHOST": query.pop("host", None) or parts.hostname,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": unquote(parts.username or "") or None,
        "PGPASSWORD": unquote(parts.password or "") or None,
        "PGDATABASE": parts.path.strip("/") or None,
        "PGSSLMODE": query.pop("sslmode", None) or query.pop("ssl", None),
    }
    return {name: value for name, value in found.items() if value is not None}
