"""The ``zhian`` command: a table of subcommands, of which only the one that is called is imported."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

# One line per command: name -> (module, help). The module has ``command``, a function, or ``app``, a Typer with
# subcommands of its own.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("cli.up", "Start everything: servers, migrations, API, workers, MQTT."),
    "migrate": ("cli.migrate", "Bring the database to this version's schema."),
    "demo": ("cli.demo", "The invented county: who and what is in it, and what it has sent."),
    "estate": ("cli.estate", "The county, its areas, buildings and homes: from a file."),
    "people": (
        "cli.people",
        "Make a county's first operator; move a number nobody else may move; disable an account.",
    ),
    "token": ("cli.token", "Print an access token of the person with a phone."),
    "authenticator": (
        "cli.authenticator",
        "Take away the authenticator, or show the enrolment code, of somebody whom nobody keeps.",
    ),
    "simulate": ("cli.simulate.command", "Play the demo's devices through the network endpoints."),
    "doctor": ("cli.doctor.command", "Check settings, servers, schema, clock, queues and keys."),
    "keys": ("cli.keys", "Keys of tokens and sealed fields: ids, ages, rotation."),
    "graphiql": ("cli.graphiql", "Fetch GraphiQL for the page at /graphql from the npm registry, once."),
    "documents": ("cli.documents", "Trusted GraphQL documents: register, list, retire."),
    "audit": ("cli.audit.command", "The audit log: verify its chains, list and export its entries."),
    "bills": ("cli.bills", "Files of bills: check and import them."),
    "pg": ("cli.pg", "PostgreSQL's own programs on this database: psql, dump, backup."),
    "bench": ("cli.bench.command", "Measure against a limit or a peer taken in the same run."),
    "components": ("cli.components.command", "Known weaknesses, withdrawn and overdue releases of what we build on."),
    "schema": ("cli.schema", "Print the GraphQL schema, or check that schema.graphql is up to date."),
}


def build(arguments: list[str]) -> typer.Typer:
    """The command line for ``arguments``: the subcommand they name is loaded, the others stand for their help."""
    root = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)

    @root.callback()
    def zhian() -> None:
        """Zhian: backend of a resident super-app for smart, safe residential compounds."""

    wanted = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, (module, text) in COMMANDS.items():
        if name != wanted:
            root.command(name, help=text)(_elsewhere)
            continue
        loaded = import_module(module)
        if hasattr(loaded, "app"):
            root.add_typer(loaded.app, name=name, help=text)
        else:
            root.command(name, context_settings=getattr(loaded, "CONTEXT", None))(loaded.command)
    return root


def app() -> None:
    """Run the command line of this process."""
    build(sys.argv[1:])()


def _elsewhere() -> None:
    raise AssertionError("a command that was not called has run")


if __name__ == "__main__":
    app()
