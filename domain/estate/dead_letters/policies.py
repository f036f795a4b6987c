"""Whose dead letters somebody sees: those of the compounds in the counties they operate."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from domain.estate.models import Area
from domain.estate.visibility import in_scope, scope_as
from domain.kernel.actor import Actor, Role
from domain.kernel.outbox import OutboxEvent


def of_operated_counties(actor: Actor) -> ColumnElement[bool]:
    """SQL: the event is of a compound in a county that ``actor`` operates.

    The outbox has no row-level security: the relay reads it for all tenants. Areas have it, so the sub-select holds
    twice. Events of no compound (one-time codes) are in no county: metrics count them.
    """
    operated = scope_as(actor, {Role.COUNTY_OPERATOR})
    return OutboxEvent.compound_id.in_(select(Area.id).where(in_scope(operated, Area)))
