"""Reads of fee rules: what every neighbour may know."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from domain.community.bills.fees.models import FeeRule
from domain.estate.visibility import in_scope, scope_as, visible_to
from domain.identity.policies import OFFICE
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader

COLUMNS = tuple(FeeRule.__table__.columns)


def known_rules(actor: Actor) -> ColumnElement[bool]:
    """SQL: ``actor`` knows the rule: as the office of its compound, or by living there."""
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, FeeRule)
    return in_scope(scope_as(actor, OFFICE), FeeRule, neighbours=True)


async def rule_page(
    reader: Reader, actor: Actor, *, compound_id: int | None, first: int, after: str | None
) -> Page[AnyRow]:
    """Rules in force that the actor knows, in order of id. Raises BadCursor."""
    query = select(*COLUMNS).where(FeeRule.ended_at.is_(None), known_rules(actor))
    if compound_id is not None:
        query = query.where(FeeRule.compound_id == compound_id)
    return await keyset_page(reader, query, FeeRule.id, first=first, after=after)


async def rules_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The rules among ``ids`` that the actor knows, also those that ended."""
    return await reader.rows(select(*COLUMNS).where(FeeRule.id.in_(ids), known_rules(actor)))
