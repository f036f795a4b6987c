"""What is given to a mutation: ids of rows where the schema takes ids, and fixed words for everything else it needs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    get_named_type,
    get_nullable_type,
    is_required_argument,
    is_required_input_field,
)

from tests.api.matrix.documents import roots
from tests.api.matrix.targets import Unfilled, named_type


def _ahead(days: int) -> str:
    """An instant some days from now."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


# A word that must be given and stands nowhere here fails with its name.
WORDS: dict[str, Any] = {
    "accept": True,
    "items": [{"kind": "PART", "name": "x", "unitFen": 100}],
    "satisfied": True,
    "stars": 5,
    "phone": "+8613800000001",
    "note": "done",
    "tag": "AB12CD34",
    "name": "x",
    "minutes": 60,
    "priceFen": 100,
    "startsAt": _ahead(30),
    "endsAt": _ahead(31),
    "code": "000000",
    "oldCode": "000000",
    "newCode": "000000",
    "csv": "品名,平均价\n白菜,1.20",
    "day": datetime.now(UTC).date().isoformat(),
    "averageFen": 120,
    "belowFen": 100,
    "refreshToken": "zhr_x",
    "amountFen": 100,
    "kinds": ["PROPERTY"],
    "limitFen": 100,
    "monthlyLimitFen": 100,
    "good": True,
    "lines": [{"title": "x", "amountFen": 5}],
    "number": "330100200300",
    "period": "2026-10",
    "rate": "1.85",
    "reason": "x",
    "squareMetres": "89.5",
    "startsOn": "2026-01-01",
    "title": "x",
    "unit": "x",
    "value": "1000000",
}
# What must be given along with an id that may be left out.
ALONG = {"gateway": {"externalId": "x"}}


@dataclass(frozen=True)
class Slot:
    """An argument, or a member of an input, that is an id of a row of type ``named``; ``many``: a list of them."""

    path: tuple[str, ...]
    named: str
    needed: bool
    many: bool

    def put(self, variables: dict[str, Any], value: str) -> dict[str, Any]:
        """``variables`` with an id in this slot."""
        made = copy.deepcopy(variables)
        *inside, last = self.path
        place = made
        for name in inside:
            place = place.setdefault(name, {})
        place[last] = [value] if self.many else value
        place.update(ALONG.get(last, {}))
        return made


def slots(root: str) -> list[Slot]:
    """The id slots of a mutation, what must be given first. Raises Unfilled."""
    found = []
    for path, kind, needed in _members(root):
        if get_named_type(kind).name == "ID":
            many = isinstance(get_nullable_type(kind), GraphQLList)
            found.append(Slot(path, named_type(root, path[-1]), needed, many))
    return sorted(found, key=lambda slot: not slot.needed)


def fixed(root: str) -> dict[str, Any]:
    """Everything that must be given but ids. Raises Unfilled."""
    made: dict[str, Any] = {}
    for path, kind, needed in _members(root):
        target = get_named_type(kind)
        listed = isinstance(target, GraphQLInputObjectType) and path[-1] not in WORDS
        if not needed or target.name == "ID" or listed:
            continue
        *inside, last = path
        place = made
        for name in inside:
            place = place.setdefault(name, {})
        if isinstance(target, GraphQLEnumType):
            place[last] = next(iter(target.values))
        elif last in WORDS:
            place[last] = WORDS[last]
        else:
            raise Unfilled(f"{root}({last}:) must be given: say what in WORDS")
    return made


def _members(root: str) -> Iterator[tuple[tuple[str, ...], Any, bool]]:
    """Path, type and whether it must be given, of every argument and of every member of an input."""
    for name, argument in roots("Mutation")[root.partition(".")[2]].args.items():
        yield (name,), argument.type, is_required_argument(argument)
        target = get_named_type(argument.type)
        if isinstance(target, GraphQLInputObjectType) and not isinstance(get_nullable_type(argument.type), GraphQLList):
            for member, field in target.fields.items():
                yield (name, member), field.type, is_required_input_field(field)
