"""What was paid in a compound: beside the open charges and orders of the filler, one of each that is paid."""

from __future__ import annotations

from typing import Any

from domain.community.payments.invoices import tax_place, title_place
from domain.identity.ports import Vault
from migrations.tables import metadata
from tests.api.matrix.fill import Filler, Spot


async def paid(filler: Filler, vault: Vault, compound: str) -> None:
    """A paid charge of the first home, in a paid order, by a credited attempt, and a refund of it that failed; a
    settled bill; invoices asked for by both homes."""
    now, home = filler.seeded.now, f"{compound}/1"

    async def put(table: str, **values: Any) -> dict[str, Any]:
        made = await filler.insert(metadata.tables[table], Spot(compound, home, values=values))
        assert made is not None
        return made.facts

    charge = await put("charge", state="paid", paid_at=now, refunding_fen=7)
    order = await put("payment_order", state="paid", paid_at=now)
    await put("payment_order_line", order_id=order["id"], charge_id=charge["id"], live=True)
    said = {"state": "paid", "paid_at": now, "transaction_id": f"T{order['id']}", "credited": True}
    attempt = await put("payment_attempt", order_id=order["id"], refunding_fen=7, **said)
    await put("refund", attempt_id=attempt["id"], charge_id=charge["id"], amount_fen=7, state="failed", check_at=None)
    await put("bill", state="settled", charge_id=None, closed_at=now)
    for (table, home), receipt in list(filler.found.items()):
        if table == "receipt" and home.startswith(f"{compound}/"):
            await _credited(filler, compound, home, receipt["order_id"])
    for door in (1, 2):
        await _invoice(filler, vault, compound, f"{compound}/{door}")


async def _credited(filler: Filler, compound: str, home: str, order: int) -> None:
    """The payment that a receipt is of."""
    now = filler.seeded.now
    said = {"order_id": order, "state": "paid", "paid_at": now, "transaction_id": f"R{order}", "credited": True}
    await filler.insert(metadata.tables["payment_attempt"], Spot(compound, home, values=said))


async def _invoice(filler: Filler, vault: Vault, compound: str, home: str) -> None:
    """A request for the invoice of a receipt of its own, sealed as the product does."""
    seeded, now = filler.seeded, filler.seeded.now
    order = await filler.insert(
        metadata.tables["payment_order"], Spot(compound, home, values={"state": "paid", "paid_at": now})
    )
    assert order is not None
    receipt = await filler.insert(metadata.tables["receipt"], Spot(compound, home, values={"order_id": order.number}))
    assert receipt is not None
    await _credited(filler, compound, home, order.number)
    number: int = await filler.connection.fetchval("select nextval(pg_get_serial_sequence('invoice_request', 'id'))")
    title, tax = (seeded.word(home, "invoice_request", column) for column in ("title", "tax_number"))
    area = seeded.areas[compound]
    await vault.ready((area,))
    values = {
        "id": number,
        "receipt_id": receipt.number,
        "title": vault.seal(title, title_place(number), area=area),
        "tax_number": vault.seal(tax, tax_place(number), area=area),
    }
    spot = Spot(compound, home, values=values, words={"title": title, "tax_number": tax})
    await filler.insert(metadata.tables["invoice_request"], spot)
