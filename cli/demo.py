"""``zhian demo``: what the demo holds, and what it has sent. ``seed`` is the step of ``zhian up --demo``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from api.document_files import documents_in
from api.page import examples
from cli.demo_world import info as told
from cli.demo_world.plant import demo_county, plant
from cli.demo_world.secrets import read_secrets
from cli.opened import opened
from cli.running import DATA_DIR, DataDir, fail, read_state, settings_for
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.documents import known_documents, register
from domain.kernel.uow import Database
from integrations.identity.sms import Message, sent_messages
from integrations.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The invented county: who and what is in it, and what it has sent.")
PAY_SECONDS = 10.0
WIDE = 300  # secrets are never cut: a terminal folds the line
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


async def seed(settings: Settings) -> None:
    """Write the invented county; one that is there is left as it is."""
    async with opened(settings) as found:
        fresh = await plant(found.database, found.vault, settings.data_dir)
        await trust_examples(found.database)
    print("demo: seeded" if fresh else "demo: already seeded")


async def trust_examples(database: Database) -> None:
    """Register the example operations; those that were registered before, and perhaps retired, are left as they are."""
    async with database.reader(NOTHING) as reader:
        known = {row.sha256 for row in await known_documents(reader)}
    found = [document.new() for text in examples().values() for document in documents_in(text, Path("examples"))]
    async with database.unit_of_work(system_actor(NOTHING)) as uow:
        await register(uow, [document for document in found if document.sha256 not in known], app="demo")


async def describe(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Accounts and devices of the demo. Ends the command with status 2 when it has not been seeded."""
    async with opened(settings) as found:
        county = await demo_county(found.database)
        if county is None:
            raise fail("NO_DEMO", "the demo has not been seeded; start `zhian up --demo`")
        secrets = read_secrets(settings.data_dir, county) or {}
        return {
            "accounts": await told.accounts(found.database, found.vault, county),
            "devices": await told.devices(found.database, county, secrets, settings.public_url),
        }


@app.command()
def info(as_json: AsJson = False, data_dir: DataDir = DATA_DIR) -> None:
    """Show who can sign in, and each device with its address and credential."""
    found = asyncio.run(describe(settings_for(data_dir)))
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    console = Console(width=WIDE)
    console.print(_table("Accounts", found["accounts"], ("phone", "name", "role", "scope_name")))
    console.print(
        _table(
            "Devices", found["devices"], ("number", "kind", "vendor", "compound_name", "name", "push_url", "credential")
        )
    )


@app.command()
def outbox(
    as_json: AsJson = False,
    first: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Show the text messages and pushes that were sent, newest first: one-time codes among them."""
    messages = [_message(message) for message in asyncio.run(_sent(settings_for(data_dir), first))]
    if as_json:
        print(json.dumps(messages, ensure_ascii=False, indent=1))
        return
    Console(width=WIDE).print(_table("Sent", messages, ("sent_at", "channel", "to", "text")))


@app.command()
def pay(
    code: Annotated[str, typer.Argument(help="What a phone would open: a code, prepay id, order, page or agreement.")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Pay an order, or sign an agreement, at the sandbox of both payment vendors, as a buyer would."""
    state = read_state(data_dir)
    if state is None or "cashier" not in state.urls:
        raise fail("NO_SANDBOX", "no sandbox runs; start `zhian up --demo` without payment accounts of its own")
    cashier = state.urls["cashier"]
    with httpx.Client(headers={"accept": "application/json"}, timeout=PAY_SECONDS, trust_env=False) as client:
        answer = client.post(f"{cashier}/scan", data={"code": code})
        if answer.is_success:
            found = answer.json()
            answer = client.post(f"{cashier}/{found['handle']}/{found['act']}")
    if not answer.is_success:
        raise fail("NOT_PAID", f"the sandbox says {answer.json()['code']}")
    print(json.dumps(answer.json(), ensure_ascii=False, indent=1))


async def _sent(settings: Settings, first: int) -> list[Message]:
    async with opened(settings) as found:
        return await sent_messages(found.database, found.vault, first=first)


def _message(message: Message) -> dict[str, str]:
    return {
        "channel": message.channel,
        "to": message.address,
        "text": message.body,
        "sent_at": message.sent_at.isoformat(timespec="seconds"),
    }


def _table(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    for column in columns:
        table.add_column(column, no_wrap=column not in ("text",))
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    return table
