"""``zhian token``: sign somebody in without a code. For whoever holds the key files, so for operators and demos."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from sqlalchemy import select

from cli.opened import Opened, opened
from cli.running import DATA_DIR, DataDir, fail, settings_for
from domain.identity.accounts.service import phone_index
from domain.identity.errors import InvalidPhone
from domain.identity.models import Account
from domain.identity.rules import normalise_phone
from domain.identity.sessions.service import start_session
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.uow import AnyRow, UnitOfWork
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from integrations.settings import Settings


def command(
    phone: Annotated[str, typer.Option(help="The phone of the account, as they would type it to sign in.")],
    force: Annotated[bool, typer.Option("--force", help="Also where the profile is production.")] = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Print an access token of the person with a phone; it lives as long as any other, fifteen minutes at most."""
    settings = settings_for(data_dir)
    if settings.profile == "production" and not force:
        raise fail("PRODUCTION", "this would sign in as somebody else; if that is what you want, add --force")
    print(asyncio.run(token_for(settings, phone)))


async def token_for(settings: Settings, phone: str) -> str:
    """An access token of a new sign-in. Ends the command with status 2 when there is no account to sign in."""
    async with opened(settings) as found:
        return await _sign_in(found, phone)


async def account_with(found: Opened, uow: UnitOfWork, phone: str) -> AnyRow:
    """Id, token version and end of the account with the phone. Ends the command with status 2 when there is none."""
    try:
        index = phone_index(found.vault, normalise_phone(phone))
    except InvalidPhone:
        raise fail("INVALID_PHONE", f"{phone!r} is no phone number") from None
    query = select(Account.id, Account.token_version, Account.disabled_at).where(Account.phone_index == index)
    account = (await uow.session.execute(query)).first()
    if account is None:
        raise fail("NO_ACCOUNT", f"nobody has the phone {phone}; `zhian demo info` shows who there is")
    return account


async def _sign_in(found: Opened, phone: str) -> str:
    async with found.database.unit_of_work(system_actor(NOTHING)) as uow:
        account = await account_with(found, uow, phone)
        if account.disabled_at is not None:
            raise fail("ACCOUNT_DISABLED", f"the account of {phone} is disabled")
        session = await start_session(uow, account.id, account.token_version, "zhian token")
        now = uow.now
    tokens = AccessTokens(SigningKeys(found.settings.key_dir), issuer=found.settings.public_url)
    token, _ = tokens.issue(
        account_id=session.account_id, session_id=session.session_id, token_version=session.token_version, now=now
    )
    return token
