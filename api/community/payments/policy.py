"""Policy rows of payments: the office sees what its homes owe, and residents once the office vouches for them."""

from __future__ import annotations

from api.policy import OFFICE, RESIDENT, Rule, Tie
from domain.kernel.actor import Role

SEES = OFFICE | {RESIDENT}
PAYERS = frozenset({RESIDENT})
MANAGERS = frozenset({Role.PROPERTY_MANAGER.value})

ROOTS = {
    "Query.charges": Rule(SEES, resident=Tie.VERIFIED),
    "Query.paymentOrders": Rule(SEES, resident=Tie.VERIFIED),
    "Query.refunds": Rule(SEES, resident=Tie.VERIFIED),
    "Query.receipts": Rule(SEES, resident=Tie.VERIFIED),
    "Mutation.createOrder": Rule(PAYERS, resident=Tie.VERIFIED),
    "Mutation.payOrder": Rule(PAYERS, resident=Tie.VERIFIED),
    "Mutation.cancelOrder": Rule(PAYERS, resident=Tie.VERIFIED),
    "Mutation.refundCharge": Rule(MANAGERS),
    "Mutation.retryRefund": Rule(MANAGERS),
    "Mutation.settleRefundByHand": Rule(MANAGERS),
    "Query.invoiceRequests": Rule(SEES, resident=Tie.VERIFIED),
    "Query.reconciliationItems": Rule(MANAGERS),
    "Mutation.requestInvoice": Rule(PAYERS, resident=Tie.VERIFIED),
    "Mutation.settleInvoice": Rule(MANAGERS),
    "Mutation.settleReconciliationItem": Rule(MANAGERS),
}
NODES = {
    "Charge": Rule(SEES, resident=Tie.VERIFIED),
    "PaymentOrder": Rule(SEES, resident=Tie.VERIFIED),
    "Refund": Rule(SEES, resident=Tie.VERIFIED),
    "Receipt": Rule(SEES, resident=Tie.VERIFIED),
    "InvoiceRequest": Rule(SEES, resident=Tie.VERIFIED),
    "ReconciliationItem": Rule(MANAGERS),
}
LEAVES: dict[str, Rule] = {}
