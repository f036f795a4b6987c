"""Suppliers' bills that are here already are brought to what their supplier says now, as ``rules`` has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import or_, select, update

from domain.community.bills.chains import Chain, chains
from domain.community.bills.due import DueTerms, due
from domain.community.bills.issuing import NewBill, issue
from domain.community.bills.kinds import BillSource, BillState
from domain.community.bills.models import Bill
from domain.community.bills.pull.rules import Heard, Verdict, judge
from domain.community.bills.service import TO_PAY, take_back, terms_of
from domain.community.payments.charges import change_charge, report_difference
from domain.community.payments.models import Charge
from domain.kernel.bulk import among
from domain.kernel.uow import UnitOfWork

CHANGED: Final = "缴费机构更改了账单 / changed by the supplier"
GONE: Final = "缴费机构已不再列出：已在别处缴清或已撤回 / no longer listed by the supplier: paid elsewhere or withdrawn"
BACK: Final = "缴费机构再次列出 / listed by the supplier again"
DIFFERENCE: Final = "utility_bill_amount"
"""The kind of the work item when a supplier names another amount for a bill that must not move by itself."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How many bills were changed, withdrawn, put before a person, and left until nobody pays them."""

    changed: int = 0
    withdrawn: int = 0
    told: int = 0
    waiting: int = 0


NOTHING: Final = Followed()


@dataclass(frozen=True, slots=True)
class Listing:
    """A supplier's answer for an account of a home. bills: by natural key; complete: it has every open bill."""

    compound_id: int
    home_id: int
    account_id: int
    bills: Mapping[str, NewBill]
    complete: bool
    today: date


_CHANGES: Final = (Verdict.FINES, Verdict.REPLACE, Verdict.RETURN)


async def follow(uow: UnitOfWork, listing: Listing) -> Followed:
    """Bring the account's bills that are here to what ``listing`` says.

    What is looked at first is judged again once it is locked: whoever begins to pay meanwhile comes first, or finds the
    bill replaced.
    """
    judged = await _judged(uow, listing)
    wanted = [chain.root.id for chain, verdict in judged if verdict is not Verdict.KEEP]
    if not wanted:
        return NOTHING
    await _lock(uow, listing, wanted)
    acts = [(c, v) for c, v in await _judged(uow, listing) if v is not Verdict.KEEP and c.root.id in wanted]
    for chain, verdict in acts:
        await _act(uow, listing, chain, verdict)
    verdicts: list[Verdict] = [verdict for _, verdict in acts]
    return Followed(
        sum(map(verdicts.count, _CHANGES)),
        verdicts.count(Verdict.WITHDRAW),
        verdicts.count(Verdict.TELL),
        verdicts.count(Verdict.WAIT),
    )


async def _judged(uow: UnitOfWork, listing: Listing) -> list[tuple[Chain, Verdict]]:
    return [
        (
            chain,
            judge(
                chain.stands(),
                _heard(listing.bills.get(chain.root.source_key)),
                complete=listing.complete,
                now=uow.now,
            ),
        )
        for chain in await _chains(uow, listing)
    ]


def _heard(new: NewBill | None) -> Heard | None:
    return None if new is None else Heard(new.amount_fen, new.charged_late, new.period_from)


async def _chains(uow: UnitOfWork, listing: Listing) -> list[Chain]:
    """The suppliers' bills of the account, and those that the answer names, in order of id."""
    mine = or_(Bill.bill_account_id == listing.account_id, among(Bill.source_key, list(listing.bills)))
    return await chains(uow, Bill.home_id == listing.home_id, Bill.source == str(BillSource.PULLED), mine)


async def _lock(uow: UnitOfWork, listing: Listing, roots: list[int]) -> None:
    """Lock bills with their corrections, then their charges, each in order of id, as everybody else does.

    A correction that was made before its bill was locked is found by looking again.
    """
    held: set[int] = set()
    while True:
        found = [chain for chain in await _chains(uow, listing) if chain.root.id in roots]
        bills = {bill.id for chain in found for bill in chain.bills}
        if bills <= held:
            break
        await uow.session.execute(select(Bill.id).where(among(Bill.id, bills)).order_by(Bill.id).with_for_update())
        held |= bills
    charges = [bill.charge_id for chain in found for bill in chain.bills if bill.charge_id is not None]
    await uow.session.execute(select(Charge.id).where(among(Charge.id, charges)).order_by(Charge.id).with_for_update())


async def _act(uow: UnitOfWork, listing: Listing, chain: Chain, verdict: Verdict) -> None:
    new = listing.bills.get(chain.root.source_key)
    if new is None:
        if verdict is Verdict.WITHDRAW:
            await _withdraw(uow, chain.payable)
        else:
            await _write(uow, chain.root.id, missing_since=uow.now)
        return
    if verdict is Verdict.WAIT:
        return
    if verdict is Verdict.FINES:
        await _change_fines(uow, chain.payable, new.charged_late, listing.today)
    elif verdict is Verdict.REPLACE:
        await _replace(uow, listing, chain.payable, new)
    elif verdict is Verdict.RETURN:
        terms = DueTerms(listing.today + TO_PAY)
        await _correct(uow, listing, chain.bills[-1], replace(new, terms=terms, reason=BACK), use_prepaid=False)
    elif verdict is Verdict.TELL:
        await _tell(uow, listing, chain, new)
    await _write(uow, chain.root.id, said_fen=new.amount_fen, missing_since=None)


async def _write(uow: UnitOfWork, bill_id: int, **values: object) -> None:
    changed = update(Bill).where(Bill.id == bill_id).values(**values)
    await uow.session.execute(changed.execution_options(synchronize_session=False))


async def _withdraw(uow: UnitOfWork, bill: Any) -> None:
    await take_back(uow, bill, BillState.WITHDRAWN, GONE)
    uow.record("bill.withdrawn", "Bill", bill.id, where=bill, homes=(bill.home_id,), details={"fen": bill.amount_fen})


async def _change_fines(uow: UnitOfWork, bill: Any, fines: int, today: date) -> None:
    """The supplier counts another late fee: as our own grows, in place."""
    sums = due(bill.amount_fen, terms_of(bill), today, charged_late=fines)
    await change_charge(uow, charge_id=bill.charge_id, amount_fen=sums.total)
    said = {"late_fee_fen": sums.late, "discount_fen": sums.discount, "due_changes_on": sums.changes_on}
    await _write(uow, bill.id, charged_late_fen=fines, **said)


async def _replace(uow: UnitOfWork, listing: Listing, bill: Any, new: NewBill) -> None:
    await take_back(uow, bill, BillState.REPLACED, CHANGED)
    corrected = replace(new, terms=terms_of(bill), title=bill.title, reason=CHANGED)
    await _correct(uow, listing, bill, corrected, use_prepaid=bill.prepaid_fen > 0)


async def _correct(uow: UnitOfWork, listing: Listing, bill: Any, new: NewBill, *, use_prepaid: bool) -> None:
    """Issue ``new`` in the place of a bill that is over."""
    key = str(bill.id)
    made = await issue(
        uow,
        compound_id=listing.compound_id,
        source=BillSource.CORRECTION,
        bills=[replace(new, source_key=key, corrects=bill.id)],
        today=listing.today,
        use_prepaid=use_prepaid,
    )
    said = {"by": made[key], "fen": new.amount_fen}
    uow.record("bill.corrected", "Bill", bill.id, where=bill, homes=(bill.home_id,), details=said)


async def _tell(uow: UnitOfWork, listing: Listing, chain: Chain, new: NewBill) -> None:
    root = chain.root
    await report_difference(
        uow,
        compound_id=listing.compound_id,
        day=listing.today,
        kind=DIFFERENCE,
        number=root.source_key,
        reference=str(root.id),
        ours_fen=chain.stands().fen,
        theirs_fen=new.amount_fen,
    )
