"""Every root field that lists, asked by everybody, whole and narrowed to every place: just the rows they reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from api.permissions import ROOTS
from tests.api.matrix.cast import ACTORS, Who
from tests.api.matrix.documents import listed_type, root_document, roots
from tests.api.matrix.nodes import refusal
from tests.api.matrix.reach import RULES, reaches
from tests.api.matrix.rows import Row
from tests.api.matrix.stage import Answer, Stage
from tests.api.matrix.targets import Unfilled, id_arguments, representatives, required

# Which rows an argument leaves: the row, and what the argument names.
NARROWS: dict[str, Callable[[Row, Row], bool]] = {
    "area": lambda row, area: row.place.startswith(area.place),
    "parent": lambda row, area: row.place[:-1] == area.place,
    "compound": lambda row, area: row.compound == area.place,
    "home": lambda row, home: row.home == home.place,
    "account": lambda row, account: row.facts.get("account_id") == account.number,
    "market": lambda row, market: row.facts.get("market_id") == market.number,
    "device": lambda row, device: row.facts.get("device_id") == device.number,
}
# What ``roleGrants`` calls an area is the one area itself.
EXACT = {("Query.roleGrants", "area")}


async def check_list(stage: Stage, root: str, actors: Sequence[Who] = ACTORS) -> None:
    """Note in ``stage.odd`` what differs from the policy table."""
    field, type_name = roots("Query")[root.partition(".")[2]], listed_type(root)
    needed = required(field)
    if type_name is None or not needed <= {"subject"}:
        raise Unfilled(f"{root} lists nothing, or has an argument nobody fills: {sorted(needed)}")
    ids = id_arguments(root, field)
    if odd := ids.keys() - NARROWS.keys():
        raise Unfilled(f"{root}: say in NARROWS which rows {sorted(odd)} leaves")
    for who in actors:
        if not who.roles & ROOTS[root].roles:
            await _refused(stage, who, root, field=needed)
            continue
        reached = [row for row in stage.seeded.of(type_name) if not row.gone and reaches(who, RULES[type_name], row)]
        given: dict[str, Any] = {}
        if "subject" in needed:
            await _subjects(stage, who, root, reached)
            subject = next(iter(reached), stage.seeded.of(type_name)[0]).facts["subject"]
            given = {"subject": {"kind": "PERSON", "value": subject}}
            reached = [row for row in reached if row.facts["subject"] == subject]
        note(stage, who, root, "everything", await _whole(stage, who, root, given, hops=1), reached)
        for argument, named in ids.items():
            await _narrowed(stage, who, root, (argument, named), reached, given)


def _name(root: str) -> str:
    return root.partition(".")[2]


async def _whole(stage: Stage, who: Who, root: str, given: dict[str, Any], *, hops: int = 0) -> Answer:
    """All pages of a list as one."""
    answer = await stage.ask(who, root_document("Query", _name(root), tuple(given), hops=hops), **given)
    if answer.errors or answer.data is None:
        return answer
    whole: dict[str, Any] = answer.data[_name(root)]
    document = root_document("Query", _name(root), (*given, "after"), hops=hops)
    while whole["pageInfo"]["hasNextPage"]:
        if len(whole["edges"]) % 100:
            stage.odd.append(f"{who.name}: {root} has a page of less than it was asked for: {len(whole['edges'])}")
        more = await stage.ask(who, document, **given, after=whole["pageInfo"]["endCursor"])
        if more.errors or more.data is None:
            return more
        page = more.data[_name(root)]
        whole["edges"], whole["pageInfo"] = whole["edges"] + page["edges"], page["pageInfo"]
    return answer


async def _refused(stage: Stage, who: Who, root: str, *, field: set[str]) -> None:
    given = {"subject": {"kind": "PERSON", "value": "x"}} if field else {}
    answer = await stage.ask(who, root_document("Query", _name(root), tuple(given), hops=0), **given)
    if [error["extensions"]["code"] for error in answer.errors] != [refusal(who)]:
        stage.odd.append(f"{who.name}: {root} answers {answer.text[:200]}")


async def _subjects(stage: Stage, who: Who, root: str, reached: list[Row]) -> None:
    for row in representatives(who, stage.seeded.of("Sighting")):
        value = row.facts["subject"]
        answer = await _whole(stage, who, root, {"subject": {"kind": "PERSON", "value": value}}, hops=1)
        note(stage, who, root, value, answer, [each for each in reached if each.facts["subject"] == value])


async def _narrowed(
    stage: Stage, who: Who, root: str, by: tuple[str, str], reached: list[Row], given: dict[str, Any]
) -> None:
    argument, named = by
    never = await _whole(stage, who, root, {**given, argument: stage.ghost_of(named, "1")})
    narrow = NARROWS[argument]
    for target in representatives(who, stage.seeded.of(named)):
        if argument == "compound" and target.compound is None:
            continue
        answer = await _whole(stage, who, root, {**given, argument: stage.id_of(target)})
        if reaches(who, RULES[named], target):
            exact = (root, argument) in EXACT
            left = [row for row in reached if (row.place == target.place if exact else narrow(row, target))]
            note(stage, who, root, f"{argument} {target.place}", answer, left)
        elif answer.text != never.text:
            stage.odd.append(f"{who.name}: {root}({argument}: {target.place}) answers {answer.text[:200]}")


def note(stage: Stage, who: Who, root: str, asked: str, answer: Answer, expected: Sequence[Row]) -> None:
    """Hold one list against the rows it should have."""
    if answer.errors:
        stage.odd.append(f"{who.name}: {root} of {asked} answers {answer.errors}")
        return
    assert answer.data is not None
    connection: dict[str, Any] = answer.data[_name(root)]
    shown = [edge["node"]["id"] for edge in connection["edges"]]
    should = {stage.id_of(row): row for row in expected}
    for id_ in set(shown) ^ should.keys():
        row = next((row for row in stage.seeded.rows if row.key and stage.id_of(row) == id_), None)
        which, where = "lists" if id_ in shown else "does not list", row.place if row is not None else "nowhere"
        stage.odd.append(f"{who.name}: {root} of {asked} {which} {id_} of {where}")
    if len(shown) != len(set(shown)):
        stage.odd.append(f"{who.name}: {root} of {asked} repeats: {len(shown)}")
