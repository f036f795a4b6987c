"""Looks at personal data of others: gathered while an operation runs, on record before its answer leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from domain.identity.ports import Vault
from domain.kernel.acts import Act
from domain.kernel.errors import Messages, Unavailable


class NotRecorded(Unavailable):
    """A look at personal data could not be put on record, so nothing is shown."""

    code = "NOT_RECORDED"
    messages: ClassVar[Messages] = {
        "zh-CN": "查阅记录暂时无法写入，未返回任何数据，请稍后重试",
        "en": "The look-up could not be put on record, so nothing is shown; try again later",
    }


def subject_index(vault: Vault, kind: str, value: str) -> str:
    """By what look-ups of a normalised plate, tag or person number are found again, and refused sign-ins of a phone: a
    blind index, not the number."""
    return vault.index("audit.subject", f"{kind}|{value}").hex()


@dataclass(slots=True)
class _Look:
    where: Any
    ids: dict[str, None] = field(default_factory=dict)
    homes: set[int] = field(default_factory=set)


class Looks:
    """What one operation has shown: one act for each kind of look in each compound, with the ids of all it showed."""

    def __init__(self) -> None:
        self._looks: dict[tuple[str, str, int], _Look] = {}
        self._acts: list[Act] = []

    def add(
        self, action: str, object_type: str, object_id: int | str, where: Any, homes: Iterable[int | None] = ()
    ) -> None:
        """A row was shown. where: it, or anything with its area columns; homes: whose it is, None among them or not."""
        key = (action, object_type, getattr(where, "compound_id", None) or 0)
        look = self._looks.get(key)
        if look is None:
            look = self._looks[key] = _Look(where)
        look.ids[str(object_id)] = None
        look.homes.update(home for home in homes if home is not None)

    def put(self, act: Act) -> None:
        """A look that is no row: a search, a feed that was opened."""
        self._acts.append(act)

    def take(self) -> list[Act]:
        """All of it, once."""
        found = [*self._acts, *(_act(action, kind, look) for (action, kind, _), look in self._looks.items())]
        self._acts, self._looks = [], {}
        return found


def _act(action: str, object_type: str, look: _Look) -> Act:
    ids = list(look.ids)
    if len(ids) == 1:
        return Act(action, object_type, ids[0], look.where, sorted(look.homes))
    return Act(action, object_type, None, look.where, sorted(look.homes), {"ids": ids})
