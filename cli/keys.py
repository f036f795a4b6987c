"""``zhian keys``: which keys there are, new ones, and the end of a compound's. Prints ids and ages, never a key."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from cli.recording import record
from cli.running import DATA_DIR, DataDir, fail, read_state, settings_for
from domain.estate.models import Area
from domain.kernel.actor import Level, Scope
from domain.kernel.clock import system_clock
from domain.kernel.uow import transaction
from integrations.identity.audit import AuditKeys
from integrations.identity.data_keys import StoredKey, erase_keys, rewrap, rotate_data_keys, stored_keys
from integrations.identity.inventory import KeyInfo, data_keys, inventory
from integrations.identity.keyfile import UnsafeKeyFile
from integrations.identity.signing import SigningKeys
from integrations.identity.wrapping import Wrapped, WrappingKeys, WrongWrappingKey, add_wrapping_key
from integrations.postgres import OWNER_ROLE, create_engine

app = typer.Typer(no_args_is_help=True, help="Keys of tokens and of sealed fields: ids and ages, rotation, erasure.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WIDE = 160


@contextmanager
def _keys_of(data_dir: Path) -> Iterator[Path]:
    """The key folder of a deployment. Ends the command with status 2 when there is none: none is made by mistake."""
    folder = data_dir / "keys"
    try:
        inventory(folder, system_clock())
        yield folder
    except FileNotFoundError as error:
        raise fail("NO_KEYS", f"there is no {error.filename}; is --data-dir right? `zhian up` makes keys") from None
    except UnsafeKeyFile as error:
        raise fail("UNSAFE_KEY_FILE", str(error)) from None
    except PermissionError as error:
        raise fail("KEYS_UNREADABLE", f"{error.filename}: {error.strerror}; act as its owner") from None


@asynccontextmanager
async def _owner(data_dir: Path) -> AsyncIterator[AsyncEngine]:
    """The database as the role that owns the data keys. Ends the command with status 2 when it cannot be reached."""
    engine = create_engine(str(settings_for(data_dir).database_url), role=OWNER_ROLE, pool_size=1)
    try:
        yield engine
    except WrongWrappingKey as error:
        code, _, said = str(error).partition(": ")
        raise fail(code, said) from None
    except (OSError, DBAPIError) as error:
        raise fail("DATABASE_AWAY", f"the data keys are in the database, and it says: {error}") from None
    finally:
        await engine.dispose()


@app.command("list")
def listed(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Show every key by id: what it still does, and how old it is. Data keys are shown when a database is known."""
    now = system_clock()
    with _keys_of(data_dir) as folder:
        found = inventory(folder, now)
    if "ZHIAN_DATABASE_URL" in os.environ or read_state(data_dir) is not None:
        found += data_keys(asyncio.run(_stored(data_dir)))
    if as_json:
        print(
            json.dumps({"keys": [{**asdict(key), "age_days": _age(key, now)} for key in found]}, default=str, indent=1)
        )
        return
    table = Table("kind", "id", "does", "under", "created", "age", box=None)
    for key in found:
        created = "not recorded" if key.created_at is None else f"{key.created_at:%Y-%m-%d %H:%M}Z"
        age = _age(key, now)
        table.add_row(key.kind, key.id, key.does, key.under or "", created, "" if age is None else f"{age} d")
    Console(width=WIDE).print(table)


async def _stored(data_dir: Path) -> list[StoredKey]:
    async with _owner(data_dir) as engine:
        return await stored_keys(engine)


@app.command("rotate-signing")
def rotate_signing(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Sign tokens with a new key; tokens of the present one live out. Running processes take it up within a minute."""
    with _keys_of(data_dir) as folder:
        kid = SigningKeys(folder).rotate(system_clock())
    record(data_dir, "key.rotated", "SigningKey", kid)
    _say(f"new tokens are signed by {kid}; running processes take it up within a minute", as_json=as_json, key=kid)


@app.command("rotate-audit")
def rotate_audit(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Sign the audit log with a new key. What older keys signed stays good; of those only the public half is kept."""
    with _keys_of(data_dir) as folder:
        kid = AuditKeys(folder).rotate(system_clock())
    record(data_dir, "key.rotated", "AuditKey", kid)
    _say(f"the audit log is signed by {kid} from now on; back keys/ up", as_json=as_json, key=kid)


@app.command("rotate-kek")
def rotate_kek(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Wrap all data keys under a new key of the key file. Nothing is sealed anew and nothing needs to restart."""
    with _keys_of(data_dir) as folder:
        name, count = asyncio.run(_rotate_kek(data_dir, folder))
    record(data_dir, "key.rotated", "WrappingKey", name)
    _say(
        f"{count} data keys are wrapped under key {name}; back keys/ up, together with the database",
        as_json=as_json, key=name, data_keys=count,
    )  # fmt: skip


async def _rotate_kek(data_dir: Path, folder: Path) -> tuple[str, int]:
    async with _owner(data_dir) as engine:
        present = WrappingKeys(folder)
        for key in await stored_keys(engine):  # before the file changes: does it belong to this database at all?
            if key.wrapped is not None:
                present.unwrap(Wrapped(key.area_id, key.version, key.wrapped, key.kek))
        name = add_wrapping_key(folder, system_clock())
        return name, await rewrap(engine, WrappingKeys(folder))


@app.command("rotate-data")
def rotate_data(
    compound: Annotated[int | None, typer.Option(help="Only this compound's (its number).")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Seal new values under new data keys; older values still open. Running processes take it up within a minute."""
    with _keys_of(data_dir) as folder:
        count = asyncio.run(_rotate_data(data_dir, folder, compound))
    if not count:
        raise fail("NO_DATA_KEY", "there is no data key to follow; `zhian keys list` shows those there are")
    record(data_dir, "key.rotated", "DataKey", compound=compound)
    _say(f"{count} new data keys; running processes take them up within a minute", as_json=as_json, data_keys=count)


async def _rotate_data(data_dir: Path, folder: Path, compound: int | None) -> int:
    async with _owner(data_dir) as engine:
        return await rotate_data_keys(engine, WrappingKeys(folder), system_clock(), area=compound)


@app.command("erase")
def erase(
    compound: Annotated[int, typer.Option(min=1, help="The compound's number; its global id is Area:<number>.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. It cannot be taken back.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Destroy a compound's data keys, for good: what they sealed never opens again, and reads show null for it.

    Running processes forget them within a minute. Take its devices out of service first: what they still send is sealed
    under a new key. Backups of the database hold the old keys until they end.
    """
    with _keys_of(data_dir):
        name = asyncio.run(_name_of(data_dir, compound))
        if name is None:
            raise fail("NO_COMPOUND", f"there is no compound {compound}")
        if not yes:
            typer.confirm(f"Make what is sealed of {name} unreadable for ever?", abort=True)
        count = asyncio.run(_erase(data_dir, compound))
    record(data_dir, "key.erased", "DataKey", compound=compound)
    _say(f"{count} data keys of {name} are destroyed", as_json=as_json, data_keys=count)


async def _name_of(data_dir: Path, compound: int) -> str | None:
    async with _owner(data_dir) as engine, transaction(engine, Scope(compounds=(compound,)), read_only=True) as read:
        found = await read.execute(select(Area.name).where(Area.id == compound, Area.level == Level.COMPOUND))
        return found.scalar()


async def _erase(data_dir: Path, compound: int) -> int:
    async with _owner(data_dir) as engine:
        return await erase_keys(engine, compound, system_clock())


def _say(text: str, *, as_json: bool, **facts: Any) -> None:
    print(json.dumps(facts) if as_json else text)


def _age(key: KeyInfo, now: datetime) -> int | None:
    """Whole days since the key was made."""
    return None if key.created_at is None else (now - key.created_at).days
