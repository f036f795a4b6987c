"""What a file says of bills that are here already: the same, or something else, which a person must look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from domain.community.bills.chains import Chain, chains
from domain.community.bills.imports.faults import Fault, Wrong
from domain.community.bills.kinds import BillSource
from domain.community.bills.models import Bill
from domain.community.bills.pull.rules import Standing
from domain.kernel.bulk import among
from domain.kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Said:
    """What a row says of a bill."""

    home_id: int
    amount_fen: int
    period_from: date


async def differing(uow: UnitOfWork, compound_id: int, said: Mapping[str, Said]) -> dict[str, Wrong]:
    """Where rows differ from the bills of a compound that came in files before; both by natural key.

    What a bill was at first is no difference once the office has corrected it, and nothing is one of a bill that it has
    written off.
    """
    if not said:
        return {}
    of_files = (Bill.compound_id == compound_id, Bill.source == str(BillSource.IMPORT))
    found = await chains(uow, *of_files, among(Bill.source_key, list(said)))
    columns = {chain.root.source_key: _column(chain, said[chain.root.source_key]) for chain in found}
    return {key: Wrong(Fault.DIFFERS, column) for key, column in columns.items() if column is not None}


def _column(chain: Chain, said: Said) -> str | None:
    """The column in which it differs; None when it is as it was, or is now."""
    root, now = chain.root, chain.stands()
    if said.home_id != root.home_id:
        return "bill_entry_id"
    if now.standing is Standing.DROPPED:
        return None
    if said.amount_fen not in (root.amount_fen, now.fen):
        return "bill_entry_amount"
    return "acct_period" if said.period_from != now.period_from else None
