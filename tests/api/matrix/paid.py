"""What was paid in a compound: beside the open charges and orders of the filler, one of each that is paid."""

from __future__ import annotations

from typing import Any

from migrations.tables import metadata
from tests.api.matrix.fill import Filler, Spot


async def paid(filler: Filler, compound: str) -> None:
    """A paid charge of the first home, in a paid order, by a credited attempt."""
    now, home = filler.seeded.now, f"{compound}/1"

    async def put(table: str, **values: Any) -> dict[str, Any]:
        made = await filler.insert(metadata.tables[table], Spot(compound, home, values=values))
        assert made is not None
        return made.facts

    charge = await put("charge", state="paid", paid_at=now)
    order = await put("payment_order", state="paid", paid_at=now)
    await put("payment_order_line", order_id=order["id"], charge_id=charge["id"], live=True)
    said = {"state": "paid", "paid_at": now, "transaction_id": f"T{order['id']}", "credited": True}
    await put("payment_attempt", order_id=order["id"], **said)
