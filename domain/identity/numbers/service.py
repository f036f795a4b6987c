"""What changing and moving a number have in common: the account's hold on it, and telling the one that is left."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from sqlalchemy import Select, exists, select, text, update
from sqlalchemy.exc import IntegrityError

from domain.identity.accounts.service import phone_index, phone_place
from domain.identity.events import NumberTold
from domain.identity.keeping import standing_of
from domain.identity.models import Account
from domain.identity.numbers.models import NumberMove
from domain.identity.ports import Vault
from domain.identity.sessions.chain import end_every_session
from domain.kernel.uow import AnyRow, UnitOfWork


def _account(account_id: int) -> Select[int, bytes, str]:
    return select(Account.id, Account.phone_sealed, Account.language).where(Account.id == account_id)


async def account_row(uow: UnitOfWork, account_id: int) -> AnyRow:
    """The account's id, sealed phone and language."""
    return (await uow.session.execute(_account(account_id))).one()


async def locked_account(uow: UnitOfWork, account_id: int) -> AnyRow:
    """As ``account_row``; locked, so that nobody gives it a role or home meanwhile.

    Who takes this lock has the limits and codes it needs already, in this order everywhere.
    """
    return (await uow.session.execute(_account(account_id).with_for_update())).one()


async def number_of(vault: Vault, account: AnyRow) -> str:
    """The account's phone, E.164."""
    return await vault.open(account.phone_sealed, phone_place(account.id))


def told_place(key: str) -> str:
    """Where the sealed phone of a ``number.told`` event stands."""
    return f"outbox_event|{NumberTold.name}.phone|{key}"


def tell(uow: UnitOfWork, *, vault: Vault, account: AnyRow, phone: str, what: str) -> None:
    """Have the holder of ``phone`` told what happens to the account, by a text message after the commit, and by a push
    the phones it is or was signed in on. account: with id and language."""
    key = secrets.token_hex(16)
    sealed = base64.b64encode(vault.seal(phone, told_place(key))).decode()
    uow.emit(NumberTold(account_id=account.id, what=what, phone=sealed, language=account.language, key=key))


async def close_move(uow: UnitOfWork, account_id: int, outcome: str) -> bool:
    """Close the account's open move; False: there is none, or it expired."""
    closed = await uow.session.execute(
        update(NumberMove)
        .where(NumberMove.account_id == account_id, NumberMove.closed_at.is_(None))
        .values(closed_at=uow.now, outcome=outcome)
        .returning(NumberMove.expires_at)
    )
    return any(expires_at > uow.now for expires_at in closed.scalars())


async def take(uow: UnitOfWork, *, vault: Vault, account_id: int, phone: str) -> bool:
    """Give the account the number, which its holder has proven; False when another account keeps it.

    An account of that number which never was anything gives way: somebody signed in with their new card first.
    """
    index = phone_index(vault, phone)
    await _give_way(uow, vault, index, account_id)
    values: dict[str, Any] = {"phone_index": index, "phone_sealed": vault.seal(phone, phone_place(account_id))}
    await uow.session.execute(text("savepoint number"))
    try:
        await uow.session.execute(update(Account).where(Account.id == account_id).values(values))
    except IntegrityError:
        await uow.session.execute(text("rollback to savepoint number"))
        return False
    await uow.session.execute(text("release savepoint number"))
    return True


async def _give_way(uow: UnitOfWork, vault: Vault, index: bytes, to: int) -> None:
    """The account found by ``index`` gives the number up, if it has no roles and homes and is not disabled."""
    pending = exists().where(NumberMove.account_id == Account.id, NumberMove.closed_at.is_(None))
    query = select(Account.id).where(
        Account.phone_index == index, Account.id != to, Account.disabled_at.is_(None), ~pending
    )
    other = (await uow.session.execute(query.with_for_update())).scalar()
    if other is None:
        return
    standing = await standing_of(uow, other, ever=True)
    if standing.roles or standing.homes:
        return
    nothing = {
        "phone_index": vault.index("account.given_up", str(other)),
        "phone_sealed": vault.seal("", phone_place(other)),
        "disabled_at": uow.now,
    }
    await uow.session.execute(update(Account).where(Account.id == other).values(nothing))
    await end_every_session(uow, other, reason="number_given_up")
    uow.record("account.gave_way", "Account", other, account_id=to)
