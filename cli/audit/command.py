"""``zhian audit``: verify the chains of the audit log, list and export its entries. For whoever runs the deployment."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.exc import DBAPIError

from cli.audit.output import Format, entry, lines, report, table
from cli.opened import Opened, opened
from cli.running import DATA_DIR, DataDir, fail, settings_for
from domain.identity.audit import reading
from domain.identity.audit.reading import Wanted
from domain.identity.audit.rules import Seal
from domain.identity.audit.verification import Auditing, ChainReport
from domain.identity.audit.watching import subject_index
from domain.identity.rules import normalise_phone
from domain.kernel.errors import DomainError
from domain.security.sightings.subjects import SubjectKind, subject_of
from integrations.identity.audit import AuditKeys, BadHeads, HeadFiles, read_heads
from integrations.postgres import AUDITOR_ROLE, create_engine

app = typer.Typer(no_args_is_help=True, help="The audit log: verify its chains, list and export its entries.")
WRONG = 1
PHONE = "phone"
Compound = Annotated[int | None, typer.Option(help="Only this compound's chain (its number; 0: of no compound).")]
Since = Annotated[datetime | None, typer.Option(help="From this instant on, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Before this instant, UTC.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class _Log:
    """The deployment and its log."""

    opened: Opened
    auditing: Auditing


@asynccontextmanager
async def _log(data_dir: Path, copies: list[Seal]) -> AsyncIterator[_Log]:
    """The log behind a data directory. Ends the command with status 2 when its database cannot be reached."""
    settings = settings_for(data_dir)
    auditor = create_engine(str(settings.database_url), role=AUDITOR_ROLE, pool_size=2, application="zhian-audit")
    try:
        async with opened(settings) as found:
            keys = AuditKeys(settings.key_dir)
            yield _Log(found, Auditing(found.database.engine, auditor, keys, copies))
    except (OSError, DBAPIError) as error:
        raise fail("DATABASE_AWAY", f"the audit log is in the database, and it says: {error}") from None
    finally:
        await auditor.dispose()


@app.command()
def verify(
    compound: Compound = None,
    heads: Annotated[
        list[Path] | None, typer.Option(help="A file of signed heads that was taken away; may be given again.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Walk every chain and name each row that was changed, deleted, inserted or moved, and ends that were cut off.

    Signed heads are read from the database, from the data directory and from the files named. Status 1 when something
    is wrong.
    """
    try:
        copies = HeadFiles(settings_for(data_dir).audit_dir).read()
        copies += [seal for path in heads or () for seal in read_heads(path)]
    except (OSError, BadHeads) as error:
        raise fail("BAD_HEADS", f"a file of signed heads cannot be read: {error}") from None
    begun = datetime.now(UTC)
    found = asyncio.run(_verify(data_dir, copies, compound))
    seconds = (datetime.now(UTC) - begun).total_seconds()
    for line in report(found, seconds, as_json=as_json):
        print(line)
    raise typer.Exit(WRONG if any(chain.findings for chain in found) else 0)


async def _verify(data_dir: Path, copies: list[Seal], compound: int | None) -> list[ChainReport]:
    async with _log(data_dir, copies) as log:
        named, rows = await log.auditing.chains(compound)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("verifying", total=rows)
            return [await log.auditing.check(chain, lambda n: progress.advance(bar, n)) for chain in named]


@app.command("list")
def listed(
    compound: Compound = None,
    since: Since = None,
    until: Until = None,
    account: Annotated[int | None, typer.Option(help="Only what this account did (its number).")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, such as role.granted.")] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="Only look-ups of plate:浙A12345, tag:… or person:…, or refused sign-ins of phone:+86…."),
    ] = None,
    first: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: AsJson = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Show entries, newest first."""
    wanted = Wanted(_utc(since), _utc(until), account, action)
    rows = asyncio.run(_newest(data_dir, compound, wanted, subject, first))
    if as_json:
        print(json.dumps([entry(row) for row in rows], ensure_ascii=False, indent=1))
    else:
        Console(width=200).print(table(rows))


async def _newest(
    data_dir: Path, compound: int | None, wanted: Wanted, subject: str | None, first: int
) -> list[reading.Row]:
    async with _log(data_dir, []) as log:
        if subject is not None:
            wanted = wanted.of(_index(log, subject))
        return await reading.newest(log.auditing.auditor, compound, wanted, first)


def _index(log: _Log, subject: str) -> str:
    kind, _, value = subject.partition(":")
    try:
        said = normalise_phone(value) if kind == PHONE else subject_of(SubjectKind(kind), value)
    except (ValueError, DomainError):
        kinds = ", ".join(f"{k}:…" for k in (*SubjectKind, PHONE))
        raise fail("INVALID_SUBJECT", f"{subject!r} is none of {kinds}") from None
    return subject_index(log.opened.vault, kind, said)


@app.command()
def export(
    compound: Compound = None,
    since: Since = None,
    until: Until = None,
    form: Annotated[Format, typer.Option("--format", help="jsonl can be verified without us.")] = Format.JSONL,
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output when left out.")] = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Write entries, chain by chain in order of their numbers.

    In jsonl an entry's hash is the SHA-256 of the hash before it (``previous``, as bytes) and of its line up to
    ``,"previous"`` with a closing brace.
    """
    wanted = Wanted(_utc(since), _utc(until))
    with _writing(out) as file:
        count = asyncio.run(_export(data_dir, compound, wanted, form, file))
    Console(stderr=True).print(f"{count} entries")


async def _export(data_dir: Path, compound: int | None, wanted: Wanted, form: Format, file: IO[str]) -> int:
    count = 0
    async with _log(data_dir, []) as log:
        auditor = log.auditing.auditor
        file.writelines(form.head())
        for chain in await reading.chains(auditor) if compound is None else [compound]:
            async for rows in reading.entries(auditor, chain, wanted):
                file.writelines(lines(rows, form))
                count += len(rows)
    return count


@contextmanager
def _writing(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise fail("CANNOT_WRITE", f"{out}: {error.strerror}") from None


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=UTC)
