"""``zhian keys``: which keys a deployment has, and new ones. Prints ids and ages, never a key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.running import DATA_DIR, DataDir, fail
from domain.kernel.clock import system_clock
from integrations.identity.inventory import KeyInfo, inventory
from integrations.identity.keyfile import UnsafeKeyFile
from integrations.identity.signing import SigningKeys
from integrations.identity.vault import rotate_vault_key

app = typer.Typer(no_args_is_help=True, help="Keys of tokens and of sealed fields: ids and ages, and rotation.")
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


@app.command("list")
def listed(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Show every key by id: what it still does, and how old it is."""
    now = system_clock()
    with _keys_of(data_dir) as folder:
        found = inventory(folder, now)
    if as_json:
        print(
            json.dumps({"keys": [{**asdict(key), "age_days": _age(key, now)} for key in found]}, default=str, indent=1)
        )
        return
    table = Table("kind", "id", "does", "created", "age", box=None)
    for key in found:
        created = "not recorded" if key.created_at is None else f"{key.created_at:%Y-%m-%d %H:%M}Z"
        age = _age(key, now)
        table.add_row(key.kind, key.id, key.does, created, "" if age is None else f"{age} d")
    Console(width=WIDE).print(table)


@app.command("rotate-signing")
def rotate_signing(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Sign tokens with a new key; tokens of the present one live out. Running processes take it up within a minute."""
    with _keys_of(data_dir) as folder:
        kid = SigningKeys(folder).rotate(system_clock())
    _say(kid, "new tokens are signed by {}; running processes take it up within a minute", as_json=as_json)


@app.command("rotate-vault")
def rotate_vault(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Seal new values under a new key; older values still open. Stop the processes before, back keys/ up after."""
    with _keys_of(data_dir) as folder:
        name = rotate_vault_key(folder, system_clock())
    _say(name, "new values are sealed under key {} by processes that start from now on; back keys/ up", as_json=as_json)


def _say(key: str, text: str, *, as_json: bool) -> None:
    print(json.dumps({"key": key}) if as_json else text.format(key))


def _age(key: KeyInfo, now: datetime) -> int | None:
    """Whole days since the key was made."""
    return None if key.created_at is None else (now - key.created_at).days
