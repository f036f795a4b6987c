"""Requests for the tax invoice (发票) of a receipt: residents ask, the office issues it and says so here.

It is made out over what was paid without what went back, or is going back, until then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.payments.errors import InvalidTaxNumber, InvoiceAsked, NothingToInvoice, Settled
from domain.community.payments.models import InvoiceRequest, PaymentAttempt, Receipt
from domain.community.payments.policies import may_pay, may_settle, visible
from domain.community.payments.service import place_columns
from domain.identity.policies import place_of
from domain.identity.ports import Vault
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_TITLE: Final = 100
MOST_NUMBER: Final = 40
MOST_NOTE: Final = 200
TAX_NUMBER: Final = re.compile(r"[0-9A-Z]{15,20}")


KEPT: Final = PaymentAttempt.amount_fen - PaymentAttempt.refunding_fen - PaymentAttempt.refunded_fen
"""SQL: what is kept of a payment, in fen."""


class InvoiceKind(StrEnum):
    """To whom it is made out."""

    PERSONAL = "personal"
    COMPANY = "company"


class InvoiceState(StrEnum):
    """What has become of a request."""

    ASKED = "asked"
    ISSUED = "issued"
    REJECTED = "rejected"


def title_place(request_id: int) -> str:
    """Where the title of a request stands."""
    return f"invoice_request|title|{request_id}"


def tax_place(request_id: int) -> str:
    """Where the tax number of a request stands."""
    return f"invoice_request|tax_number|{request_id}"


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """An invoice to ask for. tax_number: of a company, in any spelling of case and space."""

    receipt_id: int
    kind: InvoiceKind
    title: str
    tax_number: str | None = None


async def request_invoice(uow: UnitOfWork, *, vault: Vault, new: NewInvoice) -> int:
    """Ask for the invoice of a receipt, once unless it is rejected; the request's id.

    Raises NotFound, Forbidden, InvalidText, InvalidTaxNumber, InvoiceAsked,
    NothingToInvoice.
    """
    found = await uow.session.execute(select(Receipt).where(Receipt.id == new.receipt_id, visible(uow.actor, Receipt)))
    receipt = found.scalar_one_or_none()
    if receipt is None:
        raise NotFound(field="receipt")
    if not may_pay(uow.actor, receipt.home_id):
        raise Forbidden
    await _kept(uow, receipt.id)
    title = words(new.title, field="title", least=1, most=MOST_TITLE)
    number = "".join((new.tax_number or "").split()).upper()
    if (new.kind is InvoiceKind.COMPANY or number) and not TAX_NUMBER.fullmatch(number):
        raise InvalidTaxNumber(field="taxNumber")
    await vault.ready((receipt.compound_id,))
    ids = select(func.nextval(func.pg_get_serial_sequence("invoice_request", "id")))
    request_id: int = (await uow.session.execute(ids)).scalar_one()
    area = receipt.compound_id
    row = place_columns(receipt) | {
        "id": request_id,
        "account_id": uow.actor.account_id,
        "receipt_id": receipt.id,
        "kind": str(new.kind),
        "title": vault.seal(title, title_place(request_id), area=area),
        "tax_number": vault.seal(number, tax_place(request_id), area=area) if number else None,
        "asked_at": uow.now,
    }
    made = await uow.session.execute(
        insert(InvoiceRequest)
        .values(row)
        .on_conflict_do_nothing(index_elements=["receipt_id"], index_where=text("state <> 'rejected'"))
        .returning(InvoiceRequest.id)
    )
    if made.first() is None:
        raise InvoiceAsked(field="receipt")
    uow.record("invoice.asked", "InvoiceRequest", request_id, where=receipt, homes=(receipt.home_id,))
    return request_id


async def settle_invoice(uow: UnitOfWork, *, request_id: int, number: str | None, note: str) -> None:
    """Say that the invoice was issued under ``number``, or without one that it was rejected and why (``note``).

    Raises NotFound, Forbidden, InvalidText, Settled; NothingToInvoice when everything went back since it was asked.
    """
    issued = None if number is None else words(number, field="number", least=1, most=MOST_NUMBER)
    said = words(note, field="note", least=0 if issued else 1, most=MOST_NOTE)
    found = await uow.session.execute(
        select(InvoiceRequest).where(InvoiceRequest.id == request_id, visible(uow.actor, InvoiceRequest))
    )
    request = found.scalar_one_or_none()
    if request is None:
        raise NotFound(field="id")
    if not may_settle(uow.actor, place_of(request)):
        raise Forbidden
    state = InvoiceState.ISSUED if issued else InvoiceState.REJECTED
    amount = await _kept(uow, request.receipt_id) if issued else None
    changed = await uow.session.execute(
        update(InvoiceRequest)
        .where(InvoiceRequest.id == request_id, InvoiceRequest.state == InvoiceState.ASKED)
        .values(state=str(state), invoice_number=issued, amount_fen=amount, note=said)
        .values(settled_at=uow.now, settled_by=uow.actor.account_id)
        .returning(InvoiceRequest.id)
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        raise Settled
    details = {"state": str(state)}
    uow.record(
        "invoice.settled", "InvoiceRequest", request_id, where=request, homes=(request.home_id,), details=details
    )


async def _kept(uow: UnitOfWork, receipt_id: int) -> int:
    """What an invoice of the receipt is made out over, in fen; no refund begins until the commit. Raises
    NothingToInvoice.
    """
    found = await uow.session.execute(
        select(KEPT)
        .join(Receipt, Receipt.order_id == PaymentAttempt.order_id)
        .where(Receipt.id == receipt_id, PaymentAttempt.credited.is_(True))
        .with_for_update(of=PaymentAttempt, read=True)
    )
    kept: int = found.scalar_one()
    if not kept:
        raise NothingToInvoice
    return kept
