"""Who is shown which item of a feed, and who shares its rendering."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from api.context import Context, Info
from api.looks import OF_LEAF
from api.security.looks import serving_in
from api.security.types.alerts import ACCOUNTS
from domain.estate.visibility import at_home, covers
from domain.kernel.actor import Actor
from domain.kernel.acts import Act
from domain.security.events.queries import EventStored

ALERTS, EVENTS = "alerts", "events"
"""The logs, by their topic of news."""


def sees_event(actor: Actor, item: EventStored) -> bool:
    """Whether ``actor`` sees the event: ``visible_to`` without SQL."""
    return covers(actor.scope, item) or at_home(actor.scope, item.row.home_id, item.row.at)


def rights_of(actor: Actor) -> Hashable:
    """What decides what ``actor`` sees of an item: roles over areas, and homes since when. Equal rights share the
    rendering."""
    return frozenset(actor.grants), actor.scope.moved_in


def sharing(info: Info, *arguments: Hashable) -> Hashable:
    """The key under which subscribers share rendered items.

    People are shown to each caller differently (one's own phone), so a selection that leads to them shares nothing
    with other accounts.
    """
    context: Context = info.context
    own = context.actor.account_id if _names(info.selected_fields) & ACCOUNTS else None
    return rights_of(context.actor), context.language, own, arguments


async def opened(info: Info, name: str, area_id: int | None, **filters: int | None) -> None:
    """Somebody who serves follows a feed with personal data: on record once, and not again for each item."""
    context: Context = info.context
    names = _names(info.selected_fields)
    reads = frozenset(action for leaf, action in OF_LEAF.items() if leaf.partition(".")[2] in names)
    if not reads:
        return
    details = {"reads": sorted(reads), **{name: value for name, value in filters.items() if value is not None}}
    for place in await serving_in(context, area_id):
        context.looks.put(Act("feed.opened", "Feed", name, place, details=details))
        context.declared = reads


def _names(selections: Iterable[Any]) -> set[str]:
    found: set[str] = set()
    for selection in selections:
        found.add(getattr(selection, "name", ""))
        found |= _names(selection.selections)
    return found
