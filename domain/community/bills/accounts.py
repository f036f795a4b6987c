"""Commands on homes' accounts at suppliers (户号)."""

from __future__ import annotations

import re

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.bills.errors import AccountInUse, AlreadyEnded, InvalidAccountNumber
from domain.community.bills.kinds import BillKind
from domain.community.bills.models import BillAccount
from domain.community.bills.policies import may_keep_books
from domain.community.bills.sight import areas, home_for, locked
from domain.identity.ports import Vault
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

_NUMBER = re.compile(r"[0-9A-Z]{4,32}")


def normalise_number(text: str) -> str:
    """An account number without separators, upper case. Raises InvalidAccountNumber."""
    number = re.sub(r"[\s\-_.·]", "", text).upper()
    if _NUMBER.fullmatch(number) is None:
        raise InvalidAccountNumber(field="number")
    return number


def number_index(vault: Vault, kind: BillKind, number: str) -> bytes:
    """By what a normalised number is found."""
    return vault.index("bill_account.number", f"{kind}|{number}")


def number_place(home_id: int, index: bytes) -> str:
    """Where the sealed number of an account stands."""
    return f"bill_account|number|{home_id}.{index.hex()}"


async def register_account(
    uow: UnitOfWork, *, vault: Vault, home_id: int, kind: BillKind, number: str, institution: str = ""
) -> int:
    """Note the number under which a supplier knows the home; returns the account's id.

    Raises NotFound, Forbidden, InvalidAccountNumber, InvalidText, AccountInUse.
    """
    home = await home_for(uow, home_id, may_keep_books)
    plain = normalise_number(number)
    await vault.ready((home.compound_id,))
    index = number_index(vault, kind, plain)
    row = areas(home) | {
        "home_id": home_id,
        "kind": str(kind),
        "institution": words(institution, field="institution", most=80),
        "number": vault.seal(plain, number_place(home_id, index), area=home.compound_id),
        "number_index": index,
        "created_at": uow.now,
        "ask_at": uow.now,
    }
    added = await uow.session.execute(
        insert(BillAccount)
        .values(row)
        .on_conflict_do_nothing(
            index_elements=["compound_id", "kind", "number_index"], index_where=text("ended_at is null")
        )
        .returning(BillAccount.id)
    )
    account_id: int | None = added.scalar()
    if account_id is None:
        raise AccountInUse(field="number")
    uow.record(
        "bill_account.registered", "BillAccount", account_id, where=home, homes=(home_id,), details={"kind": str(kind)}
    )
    return account_id


async def end_account(uow: UnitOfWork, *, account_id: int) -> None:
    """The supplier's account is no longer this home's. Raises NotFound, Forbidden, AlreadyEnded."""
    account = await locked(uow, BillAccount, account_id, may_keep_books)
    if account.ended_at is not None:
        raise AlreadyEnded
    await uow.session.execute(update(BillAccount).where(BillAccount.id == account_id).values(ended_at=uow.now))
    uow.record("bill_account.ended", "BillAccount", account_id, where=account, homes=(account.home_id,))
