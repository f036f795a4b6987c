"""What residents know charges as."""

from __future__ import annotations

from domain.community.bills.kinds import BillKind
from domain.community.payments.charges import ChargeKind, Subject


def test_every_kind_of_bill_is_one_of_charges() -> None:
    assert {str(kind) for kind in ChargeKind if kind.subject is Subject.BILL} == {str(kind) for kind in BillKind}


def test_what_is_no_bill_is_its_own_kind() -> None:
    assert [(kind.subject, str(kind)) for kind in (ChargeKind.REPAIR, ChargeKind.BOOKING)] == [
        (Subject.REPAIR, "repair"), (Subject.BOOKING, "booking"),
    ]  # fmt: skip
