"""Repairs in every state, so that each of their mutations has one it may be done to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from migrations.tables import metadata
from tests.api.matrix.fill import Filler, Spot
from tests.api.matrix.rows import Row

AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
DONE = {"done_at": AT, "price_fen": 0, "warranty_until": date(2099, 1, 1), "visit_by": AT}
STATES: dict[str, dict[str, Any]] = {
    "open": {"worker_account_id": None, "taken_at": None},
    "quoted": {"quoted_at": AT},
    "agreed": {},
    "in_progress": {},
    "done": DONE,
    "rejected": {},
}
"""Beside those that are assigned; what their rows say."""
FITS = {
    "Mutation.cancelRepair": {"open", "assigned", "quoted", "agreed"},
    "Mutation.answerQuotation": {"quoted"},
    "Mutation.rateRepair": {"done"},
    "Mutation.assignRepair": {"open"},
    "Mutation.rejectRepair": {"open", "assigned"},
    "Mutation.recordReturnVisit": {"done"},
    "Mutation.releaseRepair": {"assigned"},
    "Mutation.quoteRepair": {"assigned"},
    "Mutation.startRepair": {"agreed"},
    "Mutation.finishRepair": {"in_progress"},
}
"""The states in which a repair must be for a mutation."""


async def repairs(filler: Filler, compound: str) -> None:
    """One of each state in the compound's first home; the open one is also what workers are offered."""
    home = f"{compound}/1"
    for state, values in STATES.items():
        made = await filler.insert(
            metadata.tables["repair_request"], Spot(compound, home, values={"state": state, **values})
        )
        assert made is not None
        if state == "open":
            filler.seeded.add(Row("repair_request", "RepairOffer", home, made.key, made.number, facts=made.facts))
        if state == "in_progress":
            said = {"repair_id": made.number, "state": "accepted", "answered_at": AT}
            await filler.insert(metadata.tables["repair_quotation"], Spot(compound, home, values=said))
