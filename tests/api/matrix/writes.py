"""Every mutation tried by everybody on rows of every place, each time taken back: allowed, refused, or never there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.nodes import global_id
from api.permissions import NODES, ROOTS
from domain.kernel.actor import HomeRole, Role, Scope
from tests.api.matrix.autopay import STATES as AUTOPAY
from tests.api.matrix.cast import ACTORS, BY_NAME, Who
from tests.api.matrix.documents import root_document
from tests.api.matrix.nodes import refusal
from tests.api.matrix.reach import reaches, ways
from tests.api.matrix.repairs import FITS
from tests.api.matrix.rows import Row
from tests.api.matrix.stage import Answer, Stage
from tests.api.matrix.targets import representatives
from tests.api.matrix.variables import Slot, fixed, slots

SETTINGS = ("counties", "towns", "communities", "compounds", "homes", "neighbourhoods", "workplaces", "account")
GIVES = {
    Role.COUNTY_OPERATOR: {
        "town_operator", "community_police", "property_manager", "property_staff", "service_worker",
    },
    Role.TOWN_OPERATOR: {"community_police", "property_manager", "property_staff", "service_worker"},
    Role.PROPERTY_MANAGER: {"property_staff", "service_worker"},
}  # fmt: skip
BRINGS = {HomeRole.OWNER: {"tenant", "member"}, HomeRole.TENANT: {"member"}}
OF_LEVEL = (
    ["COUNTY_OPERATOR"], ["TOWN_OPERATOR"], ["COMMUNITY_POLICE"],
    ["PROPERTY_MANAGER", "PROPERTY_STAFF", "SERVICE_WORKER"],
)  # fmt: skip


def _gives(who: Who, row: Row, role: str) -> bool:
    return any(role in GIVES.get(held, ()) and row.place.startswith(area) for held, area in who.grants)


def _brings(who: Who, row: Row, role: str) -> bool:
    tenancy = who.tenancy(row.home)
    return bool(who.over(row.place) & {"property_staff", "property_manager"}) or (
        tenancy is not None and role in BRINGS.get(tenancy.role, ())
    )


def _above(who: Who, row: Row) -> bool:
    """Whether ``who`` stands, at a place that leads to the person, above everything the person is."""
    assert row.owner is not None
    theirs = {str(role) for role, _ in BY_NAME[row.owner].grants}
    places = ways(who, ROOTS["Mutation.endSessions"], row)
    return row.owner != who.name and any(
        theirs <= GIVES.get(held, set()) and place.startswith(area) for held, area in who.grants for place in places
    )


def _keeps_all(who: Who, row: Row) -> bool:
    """Whether ``who`` could grant each role the person holds, where it is held, and keeps the place of each home."""
    assert row.owner is not None
    theirs = BY_NAME[row.owner]
    roles = all(
        any(role in GIVES.get(held, set()) and place.startswith(area) for held, area in who.grants)
        for role, place in theirs.grants
    )
    homes = all(any(held in GIVES and each.home.startswith(area) for held, area in who.grants) for each in theirs.homes)
    return row.owner != who.name and bool(theirs.grants or theirs.homes) and roles and homes


def _gives_all(who: Who, row: Row) -> bool:
    """Whether ``who`` could grant each role of the person, where it is held, that waits for a second factor."""
    assert row.owner is not None
    waiting = [(role, place) for role, place in BY_NAME[row.owner].grants if role is not Role.SERVICE_WORKER]
    return (
        row.owner != who.name
        and bool(waiting)
        and all(
            any(role in GIVES.get(held, set()) and place.startswith(area) for held, area in who.grants)
            for role, place in waiting
        )
    )


# What a rule of the table leaves to say about who may do it to a row: the person, the row, what else is given.
ALSO: dict[str, Callable[[Who, Row, dict[str, Any]], bool]] = {
    "Mutation.endSessions": lambda who, row, _: _above(who, row),
    "Mutation.resetAuthenticator": lambda who, row, _: _keeps_all(who, row),
    "Mutation.issueEnrolmentCode": lambda who, row, _: _gives_all(who, row),
    "Mutation.moveNumber": lambda who, row, _: row.owner != who.name,
    "Mutation.grantRole": lambda who, row, given: _gives(who, row, given["input"]["role"].lower()),
    "Mutation.revokeRole": lambda who, row, _: row.owner != who.name and _gives(who, row, row.facts["role"]),
    "Mutation.inviteMember": lambda who, row, given: _brings(who, row, given["input"]["role"].lower()),
    "Mutation.verifyHousehold": lambda who, row, _: row.owner != who.name,
    "Mutation.endHousehold": lambda who, row, _: row.owner == who.name or _brings(who, row, row.facts["role"]),
    "Mutation.changeAutopay": lambda who, row, _: row.owner == who.name,
    "Mutation.resumeAutopay": lambda who, row, _: row.owner == who.name,
    "Mutation.grabRepair": lambda who, *_: who.name == "worker",
    "Mutation.setRepairSkills": lambda who, row, _: row.facts["role"] == "service_worker",
    "Mutation.resolveAlert": lambda who, row, _: bool(who.over(row.place)) or row.facts["severity"] < 4,
}
DIFFER = {
    "Mutation.resolveAlert": ["severity"],
    "Mutation.endSessions": ["roles"],
    "Mutation.resetAuthenticator": ["roles"],
    "Mutation.issueEnrolmentCode": ["roles"],
    "Mutation.endHousehold": ["role"],
    "Mutation.revokeRole": ["role"],
    "Mutation.setRepairSkills": ["role"],
}
"""Facts by which rows differ for a mutation."""
IN_STATE: dict[str, Collection[str]] = {
    "Mutation.createOrder": ("open",),
    "Mutation.payOrder": ("open",),
    "Mutation.cancelOrder": ("open",),
    "Mutation.refundCharge": ("paid",),
    "Mutation.retryRefund": ("failed",),
    "Mutation.settleRefundByHand": ("failed",),
    **FITS,
    **AUTOPAY,
}
"""The states of the rows that a mutation is for; in others it is a conflict, of which the slices' own tests tell."""

STATES = {
    "Mutation.cancelHousekeeping": "booked",
    "Mutation.reassignHousekeeping": "booked",
    "Mutation.checkInHousekeeping": "booked",
    "Mutation.checkOutHousekeeping": "under_way",
    "Mutation.rateHousekeeping": "done",
}
"""The state of a row in which it can be done; in others it is in conflict, for those who may."""
IN_USE = {"Mutation.retireHousekeepingWorker", "Mutation.signAutopay"}
"""What cannot be done to a row that others need, as all rows of the world are, or that has it already."""
NOTHING_THERE = {"Mutation.resetAuthenticator"}
"""What takes away something that nobody of the world has."""
DIFFER |= {root: ["state"] for root in STATES}


TAKES = {"Mutation.grabRepair"}
"""What makes a row the caller's: the answer then tells of it what they were not told before."""


@asynccontextmanager
async def taken_back(engine: AsyncEngine) -> AsyncIterator[None]:
    """Whatever is written meanwhile on the engine's one connection is taken back."""
    async with engine.connect() as connection:
        await (await _driver(connection)).execute("BEGIN")
    try:
        yield
    finally:
        async with engine.connect() as connection:
            await (await _driver(connection)).execute("ROLLBACK")


async def _driver(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


_names = count()


@asynccontextmanager
async def savepoint(engine: AsyncEngine, scope: Scope, *, read_only: bool = False) -> AsyncIterator[AsyncConnection]:
    """``domain.kernel.uow.transaction`` inside another transaction: the scope is set anew, for it does not end here."""
    del read_only
    name, blank = f"s{next(_names)}", "; ".join(f"SET LOCAL app.{setting} = ''" for setting in SETTINGS)
    async with engine.connect() as connection:
        raw = await _driver(connection)
        await raw.execute(f"SAVEPOINT {name}; {blank}; {scope.settings()}")
        try:
            yield connection
        except BaseException:
            await raw.execute(f"ROLLBACK TO {name}; RELEASE {name}")
            raise
        await raw.execute(f"RELEASE {name}")


async def check_mutation(stage: Stage, root: str, actors: Sequence[Who] = ACTORS) -> None:
    """Note in ``stage.odd`` what differs from the policy table. ``stage`` writes through ``savepoint``."""
    ids = slots(root)
    for who in actors:
        beside = True
        if not ids or not who.roles & ROOTS[root].roles:
            await _gate(stage, who, root, ids)
        else:
            for row in representatives(who, _wanted(stage, root, ids[0]), *DIFFER.get(root, ()), fine=False):
                for given in _variants(root, row):
                    done = await _try(stage, who, root, ids, row, given)
                    if done is not None and beside:
                        beside = False
                        for slot in ids[1:]:
                            await _foreign(stage, who, root, done, slot)


def _targets(stage: Stage, slot: Slot) -> list[Row]:
    rows = stage.seeded.of(slot.named)
    return [row for row in rows if row.compound is not None] if slot.path[-1] == "compound" else rows


def _wanted(stage: Stage, root: str, slot: Slot) -> list[Row]:
    states = IN_STATE.get(root)
    rows = [row for row in _targets(stage, slot) if row.facts.get("cleared_at") is None]
    return [row for row in rows if states is None or row.facts["state"] in states]


def _variants(root: str, row: Row) -> list[dict[str, Any]]:
    """What else is given with a row: once for each role that fits."""
    given = fixed(root)
    if root == "Mutation.grantRole":
        return [{"input": given["input"] | {"role": role}} for role in OF_LEVEL[len(row.place) - 1]]
    if root == "Mutation.inviteMember":
        return [{"input": given["input"] | {"role": role}} for role in ("OWNER", "TENANT", "MEMBER")]
    if root == "Mutation.registerDevice":
        given["input"]["vendor"] = "ZHIAN"
    return [given]


async def _ask(stage: Stage, who: Who, root: str, variables: dict[str, Any]) -> Answer:
    document = root_document("Mutation", root.partition(".")[2], tuple(variables), hops=0)
    before = len(stage.odd)
    async with taken_back(stage.services.database.engine):
        answer = await stage.ask(who, document, **variables)
    if root in TAKES and not answer.errors:
        del stage.odd[before:]
    return answer


async def _gate(stage: Stage, who: Who, root: str, ids: list[Slot]) -> None:
    """Somebody who does not pass, or a mutation of no row: only the gate is asked."""
    variables = fixed(root)
    for slot in ids:
        if slot.needed:
            variables = slot.put(variables, stage.id_of(_targets(stage, slot)[0]))
    answer = await _ask(stage, who, root, variables)
    told = [error["extensions"]["code"] for error in answer.errors]
    shut = not who.roles & ROOTS[root].roles
    if shut != (told == [refusal(who)]) and who.standing.value in ("good", "anonymous"):
        stage.odd.append(f"{who.name}: {root} answers {answer.text[:200]}")


async def _try(
    stage: Stage, who: Who, root: str, ids: list[Slot], row: Row, given: dict[str, Any]
) -> dict[str, Any] | None:
    """One mutation of one row; its variables when it should be, and is, done."""
    first, *others = ids
    along = given
    for slot in others:
        if slot.named == "Account":  # somebody of the place itself
            officer = f"resident_{row.home}" if slot.path[-1] == "owner" else f"officer_{row.compound}"
            along = slot.put(along, global_id("Account", stage.seeded.accounts[officer]))
        elif slot.needed:
            beside = next(each for each in _targets(stage, slot) if each.compound == row.compound and not each.gone)
            along = slot.put(along, stage.id_of(beside))
    answer = await _ask(stage, who, root, first.put(along, stage.id_of(row)))
    seen = row.owner == who.name if first.named == "Session" else reaches(who, NODES[first.named], row)
    may = reaches(who, ROOTS[root], row) and ALSO.get(root, lambda *_: True)(who, row, given)
    if first.named == "Session":
        may = seen
    name = f"{who.name}: {root} of {row.table} {row.number} of {row.place}{' (gone)' if row.gone else ''}"
    if not seen:
        never = await _ask(stage, who, root, first.put(along, stage.ghost_of(first.named, row.key)))
        if answer.text != never.text or (answer.errors and answer.kinds != {"not_found"}):
            stage.odd.append(f"{name} answers {answer.text[:200]}, and {never.text[:200]} of what never was")
    elif row.gone:
        if not answer.errors or not answer.kinds <= {"conflict", "not_found", "forbidden"}:
            stage.odd.append(f"{name} answers {answer.text[:200]}")
    elif answer.kinds != (expected := _expected(root, row, may=may)):
        stage.odd.append(f"{name} should answer {expected or 'done'}: {answer.text[:200]}")
    return first.put(along, stage.id_of(row)) if may and seen and not row.gone else None


def _expected(root: str, row: Row, *, may: bool) -> set[str]:
    """The kinds of errors of a mutation of a row that is seen."""
    if root in IN_USE | NOTHING_THERE:
        return {"conflict"} if may else {"forbidden"}
    ready = STATES.get(root, row.facts.get("state")) == row.facts.get("state")
    return {"forbidden"} if not may else set() if ready else {"conflict"}


async def _foreign(stage: Stage, who: Who, root: str, variables: dict[str, Any], slot: Slot) -> None:
    """What is out of sight in a slot beside the row itself is refused like what never was."""
    never = await _ask(stage, who, root, slot.put(variables, stage.ghost_of(slot.named, "1")))
    for row in representatives(who, stage.seeded.of(slot.named), fine=False):
        if reaches(who, NODES[slot.named], row):
            continue
        answer = await _ask(stage, who, root, slot.put(variables, stage.id_of(row)))
        if answer.text != never.text:
            stage.odd.append(f"{who.name}: {root} with {slot.path[-1]} of {row.place}: {answer.text[:200]}")
