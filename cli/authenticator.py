"""``zhian authenticator``: for the operator at the machine, where nobody in the county stands above the person."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from cli.opened import opened
from cli.running import DATA_DIR, DataDir, fail, settings_for
from cli.token import account_with
from domain.identity.authenticators.allowing import ShownCode
from domain.identity.authenticators.errors import AlreadyEnrolled, NoAuthenticator
from domain.identity.authenticators.issuing import issue_anyhow
from domain.identity.authenticators.resetting import forget
from domain.kernel.actor import NOTHING, system_actor
from integrations.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Authenticator apps of accounts.")


@app.callback()
def authenticator() -> None:
    """Keep the command a group: `zhian authenticator reset`, `zhian authenticator code`."""


@app.command()
def reset(
    phone: Annotated[str, typer.Option(help="The phone of the account, as they would type it to sign in.")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Take away the authenticator and recovery codes of the person with a phone; all their sign-ins end.

    It stands in the audit log, and their phones are told. Be sure who asks for it.
    """
    asyncio.run(reset_of(settings_for(data_dir), phone))
    print("The authenticator is gone; the account can enrol another.")


@app.command()
def code(
    phone: Annotated[str, typer.Option(help="The phone of the account, as they would type it to sign in.")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Print a code for the official with a phone, who needs it to put their first authenticator to use.

    It is good once and for a day, in the place of an earlier one, and stands in the audit log. Hand it over in person.
    """
    print(told(asyncio.run(code_for(settings_for(data_dir), phone))))


def told(shown: ShownCode) -> str:
    """The code, with what is to be done with it."""
    return f"enrolment code, good once and for {shown.expires_in // 3600} hours: {shown.code}"


async def code_for(settings: Settings, phone: str) -> ShownCode:
    """A new code. Ends the command with status 2 when there is no such account, or it has an authenticator."""
    async with opened(settings) as found, found.database.unit_of_work(system_actor(NOTHING)) as uow:
        account = await account_with(found, uow, phone)
        try:
            shown = await issue_anyhow(uow, vault=found.vault, account_id=account.id)
        except AlreadyEnrolled:
            raise fail("ALREADY_ENROLLED", f"the account of {phone} has an authenticator") from None
        uow.record("authenticator.allowed", "Account", account.id)
    return shown


async def reset_of(settings: Settings, phone: str) -> None:
    """Forget the authenticator. Ends the command with status 2 when there is no such account, or none of theirs."""
    async with opened(settings) as found, found.database.unit_of_work(system_actor(NOTHING)) as uow:
        account = await account_with(found, uow, phone)
        try:
            await forget(uow, account.id)
        except NoAuthenticator:
            raise fail("NO_AUTHENTICATOR", f"the account of {phone} has no authenticator") from None
        uow.record("authenticator.reset", "Account", account.id)
