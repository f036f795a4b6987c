"""What the audit log says of an act: who did or looked at what, where, when. Pure; the log itself is in the database.

An act is written as one line of canonical JSON: UTF-8, members sorted by name, no spaces, instants in UTC with
microseconds. ``zhian_audit_append`` puts chain and sequence number in front of it and hashes the line together with
the hash before it, so the line is what ``zhian audit verify`` makes again from the row's columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from domain.kernel.actor import Actor

NO_COMPOUND = 0
"""The chain of what belongs to no compound: sign-ins, roles over wider areas, keys."""
AREAS = ("county_id", "town_id", "community_id", "compound_id")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody did or looked at.

    action: a name of ``domain.identity.audit.actions``. where: anything that carries area columns; None = nowhere.
    homes: ids of the homes it concerns, whose residents may know of it. details: JSON values without personal data;
    no floats. account_id, session_id: whose act it is where the actor is not (yet) known by them.
    """

    action: str
    object_type: str = ""
    object_id: int | str | None = None
    where: Any = None
    homes: Sequence[int] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    account_id: int | None = None
    session_id: int | None = None

    @property
    def chain(self) -> int:
        """The compound in whose chain it stands, or NO_COMPOUND."""
        return getattr(self.where, "compound_id", None) or NO_COMPOUND

    def line(self, actor: Actor, at: datetime, request_id: str) -> str:
        """The act as canonical JSON, without chain and sequence number."""
        said = {name: getattr(self.where, name, None) for name in AREAS} | {
            "account_id": actor.account_id if self.account_id is None else self.account_id,
            "action": self.action,
            "actor": str(actor.kind),
            "at": instant(at),
            "details": dict(self.details),
            "homes": sorted(set(self.homes)),
            "object_id": None if self.object_id is None else str(self.object_id),
            "object_type": self.object_type,
            "request_id": request_id,
            "roles": sorted(actor.roles),
            "session_id": actor.session_id if self.session_id is None else self.session_id,
        }
        return canonical(said).decode()


def instant(at: datetime) -> str:
    """An instant in the one spelling that is hashed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def canonical(said: Mapping[str, Any]) -> bytes:
    """``said`` as canonical JSON."""
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
