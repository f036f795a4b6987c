"""``zhian documents``: which GraphQL documents the deployment trusts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from api.document_files import BadFile, Found, documents_of, files_in, line_of
from api.execution.documents import Documents, Refused
from api.execution.limits import DEVELOPER, PRODUCTION, Limits
from api.schema import build_schema
from cli.opened import opened
from cli.running import DATA_DIR, DataDir, complain, fail, settings_for
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.documents import known_documents, register, retire
from integrations.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Trusted GraphQL documents: register, list, retire.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
REFUSED = 1
WIDE = 200


@app.command("register")
def registered(
    places: Annotated[list[Path], typer.Argument(metavar="FILE|DIR…", help=".graphql files, JSON manifests, folders.")],
    name: Annotated[str, typer.Option("--app", help="Whose they are, for `list`.")] = "",
    as_json: AsJson = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Trust the documents of files: each is held against the schema and the limits first, and all or none are taken.

    A .graphql file is a document as it stands (`sha256sum` tells its id), and of several operations in one each alone
    as well. A manifest is {sha256: text}, or what Apollo's compiler writes.
    """
    settings = settings_for(data_dir)
    try:
        found = [document for file in files_in(places) for document in documents_of(file)]
    except BadFile as error:
        complain("DOCUMENT_REFUSED", str(error))
        raise typer.Exit(REFUSED) from None
    if not found:
        raise fail("NO_DOCUMENTS", "there is no .graphql file or manifest there")
    wrong = list(complaints(found, settings.profile))
    for text in wrong:
        complain("DOCUMENT_REFUSED", text)
    if wrong:
        raise typer.Exit(REFUSED)
    new = asyncio.run(trust(settings, found, name))
    rows = [
        {"id": _id(d.sha256), "operations": d.operations, "file": str(d.file), "new": d.sha256 in new} for d in found
    ]
    _show(rows, ("id", "operations", "file", "new"), as_json=as_json)


@app.command("list")
def listed(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Show every document that was ever registered."""
    rows = asyncio.run(_known(settings_for(data_dir)))
    _show(rows, ("id", "app", "operations", "characters", "registered_at", "retired_at"), as_json=as_json)


@app.command("retire")
def retired(
    ids: Annotated[list[str], typer.Argument(metavar="SHA…", help="SHA-256 in hex, with or without `sha256:`.")],
    as_json: AsJson = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Refuse documents from now on, in all processes within two seconds. Registering one again takes it back."""
    settings = settings_for(data_dir)
    try:
        wanted = {bytes.fromhex(id_.removeprefix("sha256:")) for id_ in ids}
    except ValueError:
        raise fail("BAD_ID", "an id is the SHA-256 of a document in hex; `zhian documents list` shows them") from None
    known = {row["id"] for row in asyncio.run(_known(settings))}
    if strangers := sorted(_id(digest) for digest in wanted if _id(digest) not in known):
        raise fail("UNKNOWN_DOCUMENT", f"never registered, nothing was retired: {', '.join(strangers)}")
    done = asyncio.run(_retire(settings, wanted))
    rows = [{"id": _id(digest), "retired": digest in done} for digest in sorted(wanted)]
    _show(rows, ("id", "retired"), as_json=as_json)


def complaints(found: Sequence[Found], profile: str) -> Iterator[str]:
    """What the endpoint would refuse among ``found``, each with file and line."""
    limits = Limits()
    schema = build_schema()._schema  # noqa: SLF001 - Strawberry has no public name for it
    documents = Documents(schema, limits, DEVELOPER if profile == "developer" else PRODUCTION)
    for one in found:
        try:
            document = documents.read(one.text)
        except Refused as refused:
            for error in refused.errors:
                yield f"{one.file}:{line_of(one, error)}: {error.message}"
            continue
        least = max(document.cost(schema, node, {}) for node in document.operations.values())
        if least > limits.most_cost:
            yield f"{one.file}:{one.line}: costs {least} without variables, the largest budget is {limits.most_cost}"


async def trust(settings: Settings, found: Sequence[Found], name: str) -> frozenset[bytes]:
    """Register ``found`` in one transaction; the hashes that were not trusted before."""
    async with opened(settings) as all_, all_.database.unit_of_work(system_actor(NOTHING)) as uow:
        return await register(uow, [one.new() for one in found], app=name)


async def _retire(settings: Settings, wanted: set[bytes]) -> frozenset[bytes]:
    async with opened(settings) as all_, all_.database.unit_of_work(system_actor(NOTHING)) as uow:
        return await retire(uow, wanted)


async def _known(settings: Settings) -> list[dict[str, Any]]:
    async with opened(settings) as all_, all_.database.reader(NOTHING) as reader:
        return [
            {
                "id": _id(row.sha256),
                "app": row.app,
                "operations": row.operations,
                "characters": row.characters,
                "registered_at": f"{row.registered_at:%Y-%m-%dT%H:%M:%SZ}",
                "retired_at": None if row.retired_at is None else f"{row.retired_at:%Y-%m-%dT%H:%M:%SZ}",
            }
            for row in await known_documents(reader)
        ]


def _id(digest: bytes) -> str:
    return f"sha256:{digest.hex()}"


def _show(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"documents": rows}, ensure_ascii=False, indent=1))
        return
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    Console(width=WIDE).print(table)
