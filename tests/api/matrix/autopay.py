"""Auto-pay of every home, so that each of its mutations has one it may be done to."""

from __future__ import annotations

from typing import Any

from migrations.tables import metadata
from tests.api.matrix.fill import Filler, Spot

STATES = {
    "Mutation.changeAutopay": {"active", "paused"},
    "Mutation.endAutopay": {"active", "paused"},
    "Mutation.pauseAutopay": {"active"},
    "Mutation.resumeAutopay": {"paused"},
    "Mutation.skipAutopay": {"planned"},
}
"""The states in which auto-pay must be for a mutation."""


async def autopay(filler: Filler, compound: str) -> None:
    """One of each home with a plan, and one of the first home that is over. ``owner`` signed the first of all."""
    now, accounts = filler.seeded.now, filler.seeded.accounts
    over = {"state": "ended", "closed_at": now, "closed_because": "resident"}
    said: list[tuple[int, dict[str, Any]]] = [
        (1, {"state": "paused", "signed_at": now}), (2, {"state": "active", "signed_at": now}), (1, over),
    ]  # fmt: skip
    for door, values in said:
        home = f"{compound}/{door}"
        whose = accounts["owner" if home == "a111/1" else f"resident_{home}"]
        made = await filler.insert(
            metadata.tables["autopay"], Spot(compound, home, values={"account_id": whose, **values})
        )
        assert made is not None
        if values is not over:
            plan = {"autopay_id": made.number, "order_id": None, "why": None}
            await filler.insert(metadata.tables["autopay_plan"], Spot(compound, home, values=plan))
