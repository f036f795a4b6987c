"""The audit log for those who answer for a place: pages, newest first, each of a few index ranges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, select, tuple_, union_all

from domain.estate.focus import look_in
from domain.estate.visibility import in_scope
from domain.identity.audit.models import AuditEntry
from domain.identity.audit.policies import OFFICE, OPERATORS, READERS, answers_for, told_to_the_office
from domain.identity.queries import people_by_id
from domain.kernel.actor import NOTHING, Actor, Scope
from domain.kernel.errors import NotFound
from domain.kernel.paging import Page, decode_cursor, encode_cursor
from domain.kernel.uow import AnyRow, Reader

COLUMNS = (
    AuditEntry.chain,
    AuditEntry.sequence,
    AuditEntry.at,
    AuditEntry.county_id,
    AuditEntry.town_id,
    AuditEntry.community_id,
    AuditEntry.compound_id,
    AuditEntry.homes,
    AuditEntry.roles,
    AuditEntry.account_id,
    AuditEntry.action,
    AuditEntry.object_type,
    AuditEntry.object_id,
    AuditEntry.details,
)
ORDER = (AuditEntry.at, AuditEntry.chain, AuditEntry.sequence)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which entries; None = all. since is included, until is not."""

    area_id: int | None = None
    account_id: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def criteria(self) -> list[ColumnElement[bool]]:
        """SQL of everything but the area."""
        tests: list[ColumnElement[bool]] = []
        if self.account_id is not None:
            tests.append(AuditEntry.account_id == self.account_id)
        if self.action is not None:
            tests.append(AuditEntry.action == self.action)
        if self.since is not None:
            tests.append(AuditEntry.at >= self.since)
        if self.until is not None:
            tests.append(AuditEntry.at < self.until)
        return tests


async def entry_page(reader: Reader, actor: Actor, wanted: LogFilter, *, first: int, after: str | None) -> Page[AnyRow]:
    """Entries of the places the actor answers for, newest first; a property office sees none of those above it.

    Raises NotFound (area or account out of sight), BadCursor.
    """
    where = wanted.criteria()
    if after is not None:
        where.append(tuple_(*ORDER) < tuple_(*decode_cursor(after, (datetime, int, int))))
    if wanted.account_id is not None and not await people_by_id(reader, actor, [wanted.account_id]):
        raise NotFound(field="account")
    branches: list[Select[Any]] = []
    for roles, narrowed in ((OPERATORS, where), (OFFICE, [told_to_the_office(), *where])):
        held = answers_for(actor, roles)
        if held != NOTHING:
            scope = await look_in(reader, actor, wanted.area_id, held)
            branches += [_newest(part, narrowed, first + 1) for part in _parts(scope)]
    rows = await reader.rows(_merged(branches, first + 1)) if branches else ()
    distinct = list({(row.chain, row.sequence): row for row in rows}.values())
    kept = tuple(distinct[:first])
    cursors = tuple(encode_cursor(row.at, row.chain, row.sequence) for row in kept)
    return Page(items=kept, cursors=cursors, has_next=len(distinct) > first)


def places_read(actor: Actor) -> list[int]:
    """Ids of the areas whose log the actor reads."""
    return sorted({grant.area_id for grant in actor.grants if grant.role in READERS})


def _parts(scope: Scope) -> Iterator[Scope]:
    """``scope`` area by area, as there is an index for each level; homes are left out."""
    yield from (Scope(counties=(area_id,)) for area_id in scope.counties)
    yield from (Scope(towns=(area_id,)) for area_id in scope.towns)
    yield from (Scope(communities=(area_id,)) for area_id in scope.communities)
    yield from (Scope(compounds=(area_id,)) for area_id in scope.compounds)


def _newest(part: Scope, where: list[ColumnElement[bool]], limit: int) -> Select[Any]:
    found = select(*COLUMNS).where(in_scope(part, AuditEntry), *where)
    return found.order_by(*(column.desc() for column in ORDER)).limit(_rows(limit))


def _merged(branches: list[Select[Any]], limit: int) -> Select[Any]:
    """The newest of all branches; an entry may come from each of them."""
    merged = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    order = (merged.c[column.key].desc() for column in ORDER)
    return select(merged).order_by(*order).limit(_rows(limit * len(branches)))


def _rows(limit: int) -> ColumnElement[int]:
    """A LIMIT written into the text: with a parameter the planner guesses a tenth of the table."""
    return bindparam("rows", limit, Integer, unique=True, literal_execute=True)
