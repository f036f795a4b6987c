"""``python -m tests.faults.harness.launch LINKS BUILD up …``: ``zhian up`` with its processes led through proxies.

Each process reaches PostgreSQL and Valkey by sockets of its own in LINKS/<process>, where the harness listens. BUILD:
"right", or the name of a module in ``tests.faults.wrong`` whose faults are put into the processes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import cli.up
from cli.main import app
from cli.supervisor import Child
from cli.tree import Options, Tree, plan
from integrations.embedded import Command

RIGHT = "right"
PROCESSES = ("api", "worker", "mqtt")
DATABASE_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"


def through(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """``environment`` with both servers reached by the sockets in ``folder``."""
    database, redis = urlsplit(environment["ZHIAN_DATABASE_URL"]), urlsplit(environment["ZHIAN_REDIS_URL"])
    password = redis.netloc.rpartition("@")[0]
    return dict(environment) | {
        "ZHIAN_DATABASE_URL": urlunsplit(database._replace(query=urlencode({"host": str(folder)}))),
        "ZHIAN_REDIS_URL": f"unix://{password}@{folder / VALKEY_SOCKET}?{redis.query}",
    }


def servers_of(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """The real sockets of PostgreSQL and Valkey."""
    host = parse_qs(urlsplit(environment["ZHIAN_DATABASE_URL"]).query)["host"][0]
    return Path(host) / DATABASE_SOCKET, Path(urlsplit(environment["ZHIAN_REDIS_URL"]).path)


def _led(child: Child, links: Path, build: str) -> Child:
    def command() -> Command:
        given = child.command()
        argv = given.argv
        if build != RIGHT:
            argv = (*argv[:-1], "tests.faults.wrong", build, argv[-1])
        return replace(given, argv=argv, env=through(given.env, links / child.name))

    return replace(child, command=command)


def _plan(links: Path, build: str, options: Options, environ: Mapping[str, str]) -> Tree:
    tree = plan(options, environ)
    return replace(tree, processes=tuple(_led(child, links, build) for child in tree.processes))


def main() -> None:
    """Run the command line with the plan of the tree replaced."""
    links, build = Path(sys.argv.pop(1)), sys.argv.pop(1)
    if build != RIGHT:
        import_module(f"tests.faults.wrong.{build}").before_the_tree()
    cli.up.plan = partial(_plan, links, build)
    app()


if __name__ == "__main__":
    main()
