"""Policy rows of bills. Residents see their homes' once the property office has verified them."""

from __future__ import annotations

from api.policy import OFFICE, RESIDENT, Rule, Tie
from domain.kernel.actor import Role

PAYERS = OFFICE | {RESIDENT}
MANAGERS = frozenset({Role.PROPERTY_MANAGER.value})
"""Who decides what homes owe."""

ROOTS = {
    "Query.bills": Rule(PAYERS, resident=Tie.VERIFIED),
    "Query.billAccounts": Rule(PAYERS, resident=Tie.VERIFIED),
    "Query.feeRules": Rule(PAYERS, resident=Tie.COMPOUND),
    "Query.feeAreas": Rule(PAYERS, resident=Tie.VERIFIED),
    "Query.meters": Rule(PAYERS, resident=Tie.VERIFIED),
    "Query.meterReadings": Rule(PAYERS, resident=Tie.VERIFIED),
    "Query.billImports": Rule(OFFICE),
    "Query.prepaidBalances": Rule(PAYERS, resident=Tie.VERIFIED),
    "Mutation.registerBillAccount": Rule(OFFICE),
    "Mutation.endBillAccount": Rule(OFFICE),
    "Mutation.setFeeArea": Rule(OFFICE),
    "Mutation.createFeeRule": Rule(MANAGERS),
    "Mutation.endFeeRule": Rule(MANAGERS),
    "Mutation.registerMeter": Rule(OFFICE),
    "Mutation.endMeter": Rule(OFFICE),
    "Mutation.submitMeterReading": Rule(OFFICE),
    "Mutation.judgeMeterReading": Rule(OFFICE),
    "Mutation.publishBills": Rule(MANAGERS),
    "Mutation.correctBill": Rule(MANAGERS),
    "Mutation.writeOffBill": Rule(MANAGERS),
    "Mutation.depositPrepaid": Rule(MANAGERS),
    "Mutation.payOutPrepaid": Rule(MANAGERS),
    "Mutation.startBillImport": Rule(OFFICE),
    "Mutation.confirmBillImport": Rule(MANAGERS),
    "Mutation.cancelBillImport": Rule(OFFICE),
}
NODES = {
    "Bill": Rule(PAYERS, resident=Tie.VERIFIED),
    "BillAccount": Rule(PAYERS, resident=Tie.VERIFIED),
    "FeeRule": Rule(PAYERS, resident=Tie.COMPOUND),
    "FeeArea": Rule(PAYERS, resident=Tie.VERIFIED),
    "Meter": Rule(PAYERS, resident=Tie.VERIFIED),
    "MeterReading": Rule(PAYERS, resident=Tie.VERIFIED),
    "PrepaidBalance": Rule(PAYERS, resident=Tie.VERIFIED),
    "BillImport": Rule(OFFICE),
}
LEAVES: dict[str, Rule] = {}
