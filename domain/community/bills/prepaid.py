"""What homes pay ahead at the office; it is kept in the ledger of payments."""

from __future__ import annotations

from domain.community.bills.errors import InvalidDeposit
from domain.community.bills.policies import may_decide_dues
from domain.community.bills.sight import home_for
from domain.community.payments.prepaid.service import take_deposit
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
