"""Root fields that tell numbers of rows: asked by everybody, whole and of every place they may and may not count."""

from __future__ import annotations

from collections.abc import Sequence

from api.permissions import NODES, ROOTS
from tests.api.matrix.cast import ACTORS, Who
from tests.api.matrix.nodes import refusal
from tests.api.matrix.reach import reaches
from tests.api.matrix.stage import Stage
from tests.api.matrix.targets import representatives

COUNTED = {"Query.applicationStatistics": ("Application", "total { submitted }", ("total", "submitted"))}
"""Root field -> the node type it counts, what to ask, and where the number stands in the answer."""


async def check_counts(stage: Stage, root: str, actors: Sequence[Who] = ACTORS) -> None:
    """Note in ``stage.odd`` what differs from the policy table."""
    type_name, asked, path = COUNTED[root]
    name, rule = root.partition(".")[2], ROOTS[root]
    document = f"query($area: ID) {{ {name}(area: $area) {{ {asked} }} }}"
    for who in actors:
        rows = [row for row in stage.seeded.of(type_name) if reaches(who, rule, row)]
        for area in (None, *representatives(who, stage.seeded.of("Area"))):
            answer = await stage.ask(who, document, area=None if area is None else stage.id_of(area))
            where = "everything" if area is None else area.place
            serves = who.roles & rule.roles and (area is None or who.over(area.place) & rule.roles)
            if not serves:
                told = [error["extensions"]["code"] for error in answer.errors]
                if told != [refusal(who)]:
                    stage.odd.append(f"{who.name}: {root} of {where} answers {answer.text[:200]}")
                continue
            assert area is None or reaches(who, NODES["Area"], area)
            number = answer.data[name] if answer.data else None
            for part in path:
                number = number[part] if number is not None else None
            should = sum(area is None or row.place.startswith(area.place) for row in rows)
            if number != should:
                stage.odd.append(f"{who.name}: {root} of {where} counts {number}, not {should}")
