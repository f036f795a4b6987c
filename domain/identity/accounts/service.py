"""Commands on accounts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.identity.models import Account
from domain.identity.ports import Vault
from domain.identity.rules import normalise_name
from domain.kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class AccountRef:
    """What sign-in needs to know of an account."""

    id: int
    language: str
    token_version: int
    disabled: bool


def phone_index(vault: Vault, phone: str) -> bytes:
    """By what an account is found for a phone (E.164)."""
    return vault.index("account.phone", phone)


def phone_place(account_id: int) -> str:
    """Where an account's sealed phone stands."""
    return f"account|phone|{account_id}"


async def _find(uow: UnitOfWork, index: bytes) -> AccountRef | None:
    row = (
        await uow.session.execute(
            select(Account.id, Account.language, Account.token_version, Account.disabled_at).where(
                Account.phone_index == index
            )
        )
    ).first()
    return AccountRef(row.id, row.language, row.token_version, row.disabled_at is not None) if row else None


async def ensure_account(
    uow: UnitOfWork, *, vault: Vault, phone: str, name: str = "", language: str = "zh-CN"
) -> AccountRef:
    """The account of ``phone`` (E.164), made now if there is none. ``name`` is kept only for a new one.

    Raises InvalidName.
    """
    index = phone_index(vault, phone)
    found = await _find(uow, index)
    if found is not None:
        return found
    ids = select(func.nextval(func.pg_get_serial_sequence("account", "id")))
    account_id: int = (await uow.session.execute(ids)).scalar_one()
    row = {
        "id": account_id,
        "phone_index": index,
        "phone_sealed": vault.seal(phone, phone_place(account_id)),
        "name": normalise_name(name),
        "language": language,
        "created_at": uow.now,
    }
    await uow.session.execute(insert(Account).values(row).on_conflict_do_nothing(index_elements=["phone_index"]))
    made = await _find(uow, index)  # ours, or the one of whoever was a moment earlier
    assert made is not None  # noqa: S101 - accounts are never deleted
    return made


async def hold_account(uow: UnitOfWork, *, vault: Vault, account_id: int, phone: str) -> AccountRef | None:
    """The account as it is now, locked until the commit, so that what lets people in changes before or after this
    sign-in; None when ``phone`` is not its number any more.
    """
    row = (
        await uow.session.execute(
            select(Account.language, Account.token_version, Account.disabled_at)
            .where(Account.id == account_id, Account.phone_index == phone_index(vault, phone))
            .with_for_update(read=True)
        )
    ).first()
    return AccountRef(account_id, row.language, row.token_version, row.disabled_at is not None) if row else None


async def disable_account(uow: UnitOfWork, account_id: int) -> None:
    """End every sign-in of the account and refuse new ones. For the operator's command line."""
    await uow.session.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(disabled_at=func.coalesce(Account.disabled_at, uow.now), token_version=Account.token_version + 1)
    )
    uow.record("account.disabled", "Account", account_id)
    uow.tell("access", account_id=account_id)
