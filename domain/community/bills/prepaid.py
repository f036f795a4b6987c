"""What homes pay ahead at the office, and get back there; it is kept in the ledger of payments."""

from __future__ import annotations

from domain.community.bills.errors import InvalidDeposit, PrepaidTooLittle
from domain.community.bills.policies import may_decide_dues
from domain.community.bills.sight import home_for, locked
from domain.community.payments.prepaid.models import PrepaidBalance
from domain.community.payments.prepaid.service import return_deposit, take_deposit
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_FEN = 100_000_000


async def deposit(uow: UnitOfWork, *, home_id: int, amount_fen: int, note: str = "") -> int:
    """Take a deposit at the office; the balance's id. Raises NotFound, Forbidden, InvalidDeposit, InvalidText."""
    home = await home_for(uow, home_id, may_decide_dues)
    if not 0 < amount_fen <= MOST_FEN:
        raise InvalidDeposit(field="amountFen")
    said = words(note, field="note", most=200)
    balance_id = await take_deposit(uow, home, home_id, amount_fen, note=said)
    uow.record(
        "prepaid.deposited", "PrepaidBalance", balance_id, where=home, homes=(home_id,), details={"fen": amount_fen}
    )
    return balance_id


async def pay_out(uow: UnitOfWork, *, balance_id: int, amount_fen: int, note: str) -> None:
    """Pay a home back at the office what it has paid ahead, or take back a deposit that was entered wrongly.

    note: how and why. Raises NotFound, Forbidden, InvalidDeposit, InvalidText, PrepaidTooLittle.
    """
    balance = await locked(uow, PrepaidBalance, balance_id, may_decide_dues)
    if not 0 < amount_fen <= MOST_FEN:
        raise InvalidDeposit(field="amountFen")
    said = words(note, field="note", least=1, most=200)
    if amount_fen > balance.balance_fen:
        raise PrepaidTooLittle(field="amountFen")
    home_id: int = balance.home_id
    await return_deposit(uow, balance, home_id, amount_fen, note=said)
    said_of = {"fen": amount_fen}
    uow.record("prepaid.paid_out", "PrepaidBalance", balance_id, where=balance, homes=(home_id,), details=said_of)
