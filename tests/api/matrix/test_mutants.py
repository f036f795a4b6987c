"""Whatever check is taken away, the matrix notices.

Mutants are found in the code; each is tried on the few cases it should break. A normal run tries a sample,
``--matrix-mutants all`` every one.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api.permissions import LEAVES, NODES, ROOTS
from integrations.postgres import create_engine
from tests.api.matrix.cast import ACTORS, BY_NAME
from tests.api.matrix.counts import COUNTED, check_counts
from tests.api.matrix.documents import listed_type
from tests.api.matrix.feeds import check_feed
from tests.api.matrix.ground import Ground
from tests.api.matrix.lists import check_list
from tests.api.matrix.mutants import Mutant, filters, gates, policies, times
from tests.api.matrix.nodes import check_node
from tests.api.matrix.stage import LONG, Stage, open_stage
from tests.api.matrix.writes import check_mutation, savepoint

MUTANTS = {mutant.name: mutant for mutant in (*gates(), *policies(), *filters(), *times())}
# Checks behind which the same check stands again: without them nothing else is told.
TWICE = {
    "ROOTS Query.node": "every node type has a gate of its own",
    "ROOTS Mutation.signOut": "there is no session to end",
    "LEAVES Device.liveness": "it is read in areas alone",
    "domain/community/applications/queries.py:change_log": "the feed holds each item against its listeners again",
    "domain/community/payments/policies.py:may_settle": "nobody here manages one place and sees charges of another;"
    " test_payments has somebody who does",
    "domain/estate/queries.py:building_page": "who sees a compound sees its buildings",
    "domain/identity/queries.py:visible_households": "it filters for the system alone, people by ``_resident``",
    "domain/community/housekeeping/queries.py:services_of": "who sees a provider sees its price list",
    "domain/community/housekeeping/queries.py:workers_of": "who sees a provider sees its workers",
    "domain/community/housekeeping/queries.py:shifts_of": "who sees a worker sees their hours",
    "domain/community/uploads/queries.py:_in_sight": "the thing's slice asks too; the bytes have tests of their own",
    "domain/community/repairs/policies.py:_where_they_work": "row-level security says the same beneath",
    "domain/security/alerts/queries.py:change_log": "the feed holds each item against its listeners again",
    "domain/security/devices/queries.py:weak_ways_by_device": "who keeps a device sees it, and the leaf asks who does",
    "domain/security/events/queries.py:event_log": "the feed holds each item against its listeners again",
    "domain/security/events/queries.py:_sees_pictures": "the leaf asks too; the bytes have tests of their own",
    "LEAVES Sighting.subject": "who reaches a sighting may know of whom it is",
}
OWN_ACCOUNT = (
    "enrolAuthenticator", "confirmAuthenticator", "renewRecoveryCodes", "removeAuthenticator",
    "requestNumberChange", "changeNumber", "refuseNumberMove",
)  # fmt: skip
TWICE |= {f"ROOTS Mutation.{name}": "the command asks for an account again, and answers alike" for name in OWN_ACCOUNT}
# Where a mutant of a file should be noticed.
NOTICED = {
    "domain/community/prices/policies": ("Mutation.recordPrice", "Mutation.createPriceAlert"),
    "domain/community/prices/queries": ("Price", "Market", "Query.todayPrices"),
    "domain/community/applications/policies": ("Application", "Query.applications", "Subscription.myRequests"),
    "domain/community/applications/queries": ("Query.applicationStatistics",),
    "domain/community/housekeeping/policies": (
        "Mutation.addHousekeepingService", "Mutation.addHousekeepingWorker", "Mutation.addHousekeepingAbsence",
        "Mutation.bookHousekeeping", "Mutation.rateHousekeeping", "Mutation.checkInHousekeeping",
    ),
    "domain/community/housekeeping/queries": (
        "HousekeepingProvider", "HousekeepingService", "HousekeepingWorker", "HousekeepingAbsence",
        "HousekeepingBooking", "HousekeepingSeries",
        "Query.housekeepingProviders", "Query.housekeepingAbsences", "Query.housekeepingBookings",
    ),
    "domain/community/bills/fees/queries": ("FeeRule", "Query.feeRules"),
    "domain/community/bills/policies": ("Mutation.registerMeter", "Mutation.depositPrepaid"),
    "domain/community/bills/sight": ("Bill", "Meter", "Query.bills"),
    "domain/community/payments/autopay": ("Autopay", "AutopayPlan", "Mutation.changeAutopay", "Mutation.signAutopay"),
    "domain/community/payments/policies": (
        "Charge", "Mutation.refundCharge", "Mutation.retryRefund", "Mutation.createOrder", "ReconciliationItem",
    ),
    "domain/community/payments/queries": ("Charge", "Receipt", "Refund", "Query.charges", "Query.reconciliationItems"),
    "domain/community/repairs/policies": (
        "RepairRequest", "RepairWorker", "Query.repairOffers", "Mutation.rateRepair", "Mutation.rejectRepair",
        "Mutation.cancelRepair", "Mutation.quoteRepair",
    ),
    "domain/community/repairs/queries": ("Query.repairOffers", "Query.repairWorkers"),
    "domain/estate/dead_letters": ("Query.deadLetters", "Mutation.retryDeadLetters"),
    "domain/estate/queries": ("Area", "Building", "Home", "Query.areas"),
    "domain/identity/audit": ("Query.auditLog",),
    "domain/identity/policies": (
        "Mutation.inviteMember", "Mutation.verifyHousehold", "Mutation.grantRole", "Account", "Mutation.endSessions",
        "Mutation.resetAuthenticator", "Mutation.issueEnrolmentCode",
    ),
    "domain/identity/queries": ("Household", "RoleGrant", "Account"),
    "domain/security/alerts/policies": ("Mutation.resolveAlert", "Mutation.assignAlert", "Subscription.alertFeed"),
    "domain/security/alerts/queries": ("Subscription.alertFeed",),
    "domain/security/devices/policies": ("Mutation.retireDevice",),
    "domain/security/devices/queries": ("Device", "Query.devices"),
    "domain/security/ebikes/policies": ("Mutation.armEBike", "Mutation.addEBikeTag"),
    "domain/security/ebikes/queries": ("EBike", "EBikeTag", "Query.eBikes"),
    "domain/security/events/queries": ("Event", "Query.events", "Subscription.eventFeed"),
    "domain/estate/newest": ("Query.alerts",),
    "domain/security/sightings/queries": ("Sighting", "Query.sightings"),
}  # fmt: skip


def hints(mutant: Mutant) -> tuple[str, ...]:
    """The cases that should notice it, by the name of a root field or node type."""
    kind, _, path = mutant.name.partition(" ")
    if kind in ("ROOTS", "NODES", "TIMES"):
        return (path,)
    if kind == "LEAVES":
        return (path.partition(".")[0],)
    return next((cases for start, cases in NOTICED.items() if mutant.name.startswith(start)), ())


async def check(stage: Stage, case: str, actors: Any = ACTORS) -> None:
    """One case of the matrix."""
    kind = case.partition(".")[0]
    if case in NODES:
        await check_node(stage, case, actors)
    elif kind == "Mutation":
        await check_mutation(stage, case, actors)
    elif kind == "Subscription":
        await check_feed(stage, case, actors)
    elif case in COUNTED:
        await check_counts(stage, case, actors)
    elif listed_type(case) is not None:
        await check_list(stage, case, actors)
    else:
        await check_gate(stage, case)


async def check_gate(stage: Stage, case: str) -> None:
    """A query that lists nothing: the anonymous are told to sign in."""
    answer = await stage.ask(BY_NAME["anonymous"], f"{{ {case.partition('.')[2]} {{ __typename }} }}")
    if not answer.errors:
        stage.odd.append(f"{case} is open")


@asynccontextmanager
async def mutated(ground: Ground, mutant: Mutant, case: str) -> AsyncIterator[Stage]:
    """A stage on which the mutant is alive; mutations are taken back."""
    url = ground.superuser_url if mutant.unprotected else ground.url
    writes = case.startswith("Mutation.")
    engine = create_engine(
        url, role=None if mutant.unprotected else "zhian_app", pool_size=1 if writes else 24, patience=LONG
    )
    with pytest.MonkeyPatch.context() as patch:
        if writes:
            patch.setattr("domain.kernel.uow.transaction", savepoint)
        async with open_stage(ground, engine=engine) as stage:
            mutant.apply(patch)
            yield stage


async def notices(ground: Ground, mutant: Mutant, case: str) -> bool:
    """Whether the case notices the mutant."""
    opened = mutant.name.startswith(("ROOTS", "NODES"))
    row = (ROOTS | NODES).get(case)
    actors = [who for who in ACTORS if not who.roles & row.roles] if opened and row is not None else ACTORS
    async with mutated(ground, mutant, case) as stage:
        try:
            await check(stage, case, actors)
        except AssertionError as error:  # an answer that the API itself cannot make any more
            stage.odd.append(str(error))
        return bool(stage.odd)


def chosen(option: str, seed: int) -> list[str]:
    """The mutants of this run: all, or so many."""
    names = sorted(MUTANTS.keys() - TWICE.keys())
    return names if option == "all" else sorted(random.Random(seed).sample(names, min(int(option), len(names))))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per mutant."""
    if "mutant" in metafunc.fixturenames:
        option = metafunc.config.getoption("--matrix-mutants")
        metafunc.parametrize("mutant", chosen(str(option), metafunc.config.getoption("--matrix-seed")))


async def test_a_mutant_is_noticed(ground: Ground, mutant: str) -> None:
    alive = MUTANTS[mutant]
    for case in hints(alive):
        if await notices(ground, alive, case):
            return
    raise AssertionError(f"nobody notices that {mutant} is gone")


@pytest.mark.parametrize("case", sorted([*NODES, *(root for root in ROOTS if root.startswith("Query."))]))
async def test_the_filters_hold_without_row_level_security(ground: Ground, case: str) -> None:
    nothing = Mutant("nothing", lambda _: None, unprotected=True)
    async with mutated(ground, nothing, case) as stage:
        if case not in ("Query.node", "Query.viewer"):
            await check(stage, case)
        assert stage.odd == []


def test_every_check_is_on_trial_once() -> None:
    names = [mutant.name for mutant in (*gates(), *policies(), *filters(), *times())]
    assert len(names) == len(set(names))
    assert TWICE.keys() <= set(names)
    assert set(LEAVES) <= {name.partition(" ")[2] for name in names if name.startswith("LEAVES")}
