"""``zhian people``: what nobody can do for somebody by the API, for whoever runs the deployment. It is on record."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from sqlalchemy import select

from cli.authenticator import told
from cli.opened import opened
from cli.running import DATA_DIR, DataDir, fail, settings_for
from domain.estate.models import Area
from domain.identity.accounts.service import disable_account, phone_index
from domain.identity.authenticators.allowing import ShownCode
from domain.identity.authenticators.issuing import issue_anyhow
from domain.identity.authenticators.service import has_authenticator
from domain.identity.models import Account, RoleGrant
from domain.identity.numbers.moving import move_at_once
from domain.identity.roles.service import grant_role
from domain.identity.rules import normalise_phone
from domain.identity.sessions.service import or_raise
from domain.kernel.actor import NOTHING, Role, system_actor
from domain.kernel.errors import DomainError, NotFound
from integrations.settings import Settings
from workers.schedule import everything

app = typer.Typer(
    no_args_is_help=True, help="Make a county's first operator; move a number nobody else may move; disable an account."
)
Phone = Annotated[str, typer.Option(help="The phone of the account, as they would type it to sign in.")]


@app.command()
def number(
    phone: Phone,
    to: Annotated[str, typer.Option(help="The number they sign in by from now on.")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Move a lost number, after making sure who asks: sign-ins and authenticator end, the old number is told."""
    try:
        asyncio.run(move(settings_for(data_dir), phone, to))
    except DomainError as error:
        raise fail(error.code, error.message("en")) from None
    print("moved")


@app.command()
def operator(
    phone: Phone,
    name: Annotated[str, typer.Option(help="Their name.")],
    county: Annotated[str, typer.Option(help="The county's name or number (zhian estate show).")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Make somebody operator of a county: nobody grants that by the API. All other roles they and theirs then grant.

    Prints the code with which they put their authenticator to use; with one already, none.
    """
    try:
        shown = asyncio.run(make_operator(settings_for(data_dir), phone, name, county))
    except DomainError as error:
        raise fail(error.code, error.message("en")) from None
    print("granted")
    if shown is not None:
        print(told(shown))


@app.command()
def disable(phone: Phone, data_dir: DataDir = DATA_DIR) -> None:
    """End every sign-in of an account, and refuse new ones for good."""
    try:
        found = asyncio.run(shut(settings_for(data_dir), phone))
    except DomainError as error:
        raise fail(error.code, error.message("en")) from None
    if not found:
        raise fail("NO_ACCOUNT", f"nobody has the phone {phone}")
    print("disabled")


async def move(settings: Settings, phone: str, to: str) -> None:
    """As ``zhian people number``. Raises InvalidPhone, NotFound, NumberInUse."""
    async with opened(settings) as found:
        async with found.database.unit_of_work(system_actor(NOTHING)) as uow:
            outcome = await move_at_once(uow, vault=found.vault, old=phone, new=to)
        or_raise(outcome)


async def make_operator(settings: Settings, phone: str, name: str, county: str) -> ShownCode | None:
    """As ``zhian people operator``; the code that they enrol with, unless they have an authenticator.

    Raises NotFound, AlreadyGranted, InvalidPhone, InvalidName.
    """
    by = Area.id == int(county) if county.isdecimal() else Area.name == county
    async with opened(settings) as found:
        actor = system_actor(await everything(found.database))
        async with found.database.unit_of_work(actor) as uow:
            ids = (await uow.session.scalars(select(Area.id).where(Area.level == "county", by))).all()
            if len(ids) != 1:
                raise NotFound(field="county")
            grant = await grant_role(
                uow, vault=found.vault, phone=phone, name=name, role=Role.COUNTY_OPERATOR, area_id=ids[0]
            )
            account_id = (await uow.session.scalars(select(RoleGrant.account_id).where(RoleGrant.id == grant))).one()
            if await has_authenticator(uow, account_id):
                return None
            shown = await issue_anyhow(uow, vault=found.vault, account_id=account_id)
            uow.record("authenticator.allowed", "Account", account_id)
            return shown


async def shut(settings: Settings, phone: str) -> bool:
    """As ``zhian people disable``; False: nobody has the phone. Raises InvalidPhone."""
    async with opened(settings) as found, found.database.unit_of_work(system_actor(NOTHING)) as uow:
        holder = select(Account.id).where(Account.phone_index == phone_index(found.vault, normalise_phone(phone)))
        account_id = (await uow.session.execute(holder)).scalar()
        if account_id is not None:
            await disable_account(uow, account_id)
    return account_id is not None
