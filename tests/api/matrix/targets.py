"""What an argument that is an id may point to, and which rows stand for all others in the eyes of somebody."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import GraphQLField, GraphQLNonNull, get_named_type

from tests.api.matrix.cast import Who
from tests.api.matrix.documents import arguments
from tests.api.matrix.reach import RULES, reaches
from tests.api.matrix.rows import Row

# Argument or member of an input -> the type of the row it names. One that stands nowhere here fails with its name.
NAMED = {
    "account": "Account",
    "area": "Area",
    "building": "Building",
    "charges": "Charge",
    "compound": "Area",
    "device": "Device",
    "eBike": "EBike",
    "gateway": "Device",
    "grant": "RoleGrant",
    "home": "Home",
    "household": "Household",
    "service": "HousekeepingService",
    "provider": "HousekeepingProvider",
    "worker": "HousekeepingWorker",
    "meter": "Meter",
    "order": "PaymentOrder",
    "market": "Market",
    "owner": "Account",
    "parent": "Area",
    "receipt": "Receipt",
    "refund": "Refund",
    "session": "Session",
    "uploads": "Upload",
    "offer": "RepairOffer",
    "request": "RepairRequest",
    "warrantyOf": "RepairRequest",
    "Mutation.changeAutopay.id": "Autopay",
    "Mutation.pauseAutopay.id": "Autopay",
    "Mutation.resumeAutopay.id": "Autopay",
    "Mutation.endAutopay.id": "Autopay",
    "Mutation.skipAutopay.id": "AutopayPlan",
    "Mutation.acknowledgeAlert.id": "Alert",
    "Mutation.assignRepair.worker": "RepairWorker",
    "Mutation.armEBike.id": "EBike",
    "Mutation.assignAlert.id": "Alert",
    "Mutation.cancelBillImport.id": "BillImport",
    "Mutation.confirmBillImport.id": "BillImport",
    "Mutation.correctBill.id": "Bill",
    "Mutation.deletePriceAlert.id": "PriceAlert",
    "Mutation.startBillImport.id": "BillImport",
    "Mutation.disarmEBike.id": "EBike",
    "Mutation.cancelHousekeeping.id": "HousekeepingBooking",
    "Mutation.payOutPrepaid.balance": "PrepaidBalance",
    "Mutation.checkInHousekeeping.id": "HousekeepingBooking",
    "Mutation.checkOutHousekeeping.id": "HousekeepingBooking",
    "Mutation.endHousekeepingSeries.id": "HousekeepingSeries",
    "Mutation.rateHousekeeping.id": "HousekeepingBooking",
    "Mutation.reassignHousekeeping.id": "HousekeepingBooking",
    "Mutation.retireHousekeepingWorker.id": "HousekeepingWorker",
    "Mutation.removeHousekeepingAbsence.id": "HousekeepingAbsence",
    "Mutation.retireHousekeepingProvider.id": "HousekeepingProvider",
    "Mutation.retireHousekeepingService.id": "HousekeepingService",
    "Mutation.endBillAccount.id": "BillAccount",
    "Mutation.endFeeRule.id": "FeeRule",
    "Mutation.endMeter.id": "Meter",
    "Mutation.judgeMeterReading.id": "MeterReading",
    "Mutation.cancelOrder.id": "PaymentOrder",
    "Mutation.settleInvoice.id": "InvoiceRequest",
    "Mutation.settleReconciliationItem.id": "ReconciliationItem",
    "Mutation.refundCharge.id": "Charge",
    "Mutation.removeEBikeTag.id": "EBikeTag",
    "Mutation.resolveAlert.id": "Alert",
    "Mutation.retireDevice.id": "Device",
    "Mutation.retryDeadLetters.ids": "DeadLetter",
    "Mutation.rotateDeviceCredential.id": "Device",
    "Mutation.writeOffBill.id": "Bill",
    "Mutation.withdrawPrice.id": "Price",
}


class Unfilled(AssertionError):
    """A field with an argument of which the matrix does not know what to give."""


def named_type(root: str, argument: str) -> str:
    """The type of the row that an id argument of ``root`` ("Mutation.armEBike") names. Raises Unfilled."""
    found = NAMED.get(f"{root}.{argument}", NAMED.get(argument))
    if found is None:
        raise Unfilled(f"{root}({argument}:) takes an id: say of what in NAMED")
    return found


def id_arguments(root: str, field: GraphQLField) -> dict[str, str]:
    """The id arguments of a field with the types of what they name. Raises Unfilled."""
    ids = [name for name, argument in arguments(field) if get_named_type(argument.type).name == "ID"]
    return {name: named_type(root, name) for name in ids}


def required(field: GraphQLField) -> set[str]:
    """The arguments that must be given."""
    return {name for name, argument in arguments(field) if isinstance(argument.type, GraphQLNonNull)}


def relation(anchor: str, place: str) -> str:
    """How ``place`` stands to ``anchor``, both names of areas or homes."""
    if place == anchor:
        return "own"
    if place.startswith(anchor):
        return "child"
    if anchor.startswith(place):
        return "parent"
    shared = next(n for n, (one, other) in enumerate(zip(anchor, place, strict=False)) if one != other)
    return f"sibling {shared}" if shared else "other county"


def relations(who: Who, place: str, *, fine: bool) -> tuple[str, ...]:
    """How ``place`` stands to everything ``who`` is or was; ``fine``: siblings are told apart by how near they are."""
    anchors = [area for _, area in (*who.grants, *who.revoked)] + [each.home for each in (*who.homes, *who.ended)]
    found = (relation(anchor, place) for anchor in anchors)
    return tuple(each if fine else each.partition(" ")[0] for each in found)


def representatives(who: Who, rows: Iterable[Row], *more: str, fine: bool = True) -> list[Row]:
    """Of rows that are alike to ``who``, one each: by where they stand, what they are, and whether they are reached.

    ``more``: facts by which rows differ too.
    """
    found: dict[object, Row] = {}
    for row in rows:
        rule = RULES.get(row.shown_as or "")
        reached = rule is not None and reaches(who, rule, row)
        own = row.owner == who.name if row.owner is not None else None
        facts = tuple(str(row.facts.get(name)) for name in more)
        key = (relations(who, row.place, fine=fine), row.home is None, row.gone, reached, own, row.audience, facts)
        found.setdefault(key, row)
    return list(found.values())
