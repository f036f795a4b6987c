"""Policy rows of repairs: who may use which root field, node type and sensitive leaf."""

from __future__ import annotations

from api.policy import NOBODY, OFFICE, RESIDENT, WORKERS, Rule, Tie

SEES = Rule(OFFICE | WORKERS | {RESIDENT}, over=OFFICE, own=True)
"""The home, its compound's office, and the worker whose work it is."""
OFFERED = Rule(WORKERS, over=WORKERS, resident=Tie.NONE)
"""What is open, without whose it is, for those who work in the compound."""
REPAIRERS = Rule(OFFICE | WORKERS, over=OFFICE, own=True)
WORK = Rule(WORKERS, over=NOBODY, resident=Tie.NONE, own=True)
ASKERS = Rule(OFFICE | {RESIDENT}, resident=Tie.VERIFIED)
HOME = Rule(frozenset({RESIDENT}), resident=Tie.VERIFIED)

ROOTS = {
    "Query.repairs": SEES,
    "Query.repairOffers": OFFERED,
    "Query.repairWorkers": REPAIRERS,
    "Mutation.requestRepair": ASKERS,
    "Mutation.cancelRepair": ASKERS,
    "Mutation.answerQuotation": HOME,
    "Mutation.rateRepair": HOME,
    "Mutation.assignRepair": Rule(OFFICE),
    "Mutation.rejectRepair": Rule(OFFICE),
    "Mutation.recordReturnVisit": Rule(OFFICE),
    "Mutation.setRepairSkills": Rule(OFFICE),
    "Mutation.grabRepair": OFFERED,
    "Mutation.releaseRepair": REPAIRERS,
    "Mutation.quoteRepair": WORK,
    "Mutation.startRepair": WORK,
    "Mutation.finishRepair": WORK,
}
NODES = {"RepairRequest": SEES, "RepairOffer": OFFERED, "RepairWorker": REPAIRERS}
LEAVES: dict[str, Rule] = {}
