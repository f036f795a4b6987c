"""What ingest keeps sealed: the personal part of events, raw messages, and details of what was set aside.

Each value is sealed under its compound's key, for its own row. Keys are made ready once per batch, so sealing is a few
microseconds and never waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from domain.identity.ports import KeyErased, Vault
from domain.kernel.uow import AnyRow
from domain.security.events.privacy import parted


def event_place(event_id: int) -> str:
    """Where the personal part of an event stands."""
    return f"event|personal|{event_id}"


def raw_place(raw_id: int) -> str:
    """Where the body of a raw message stands."""
    return f"raw_message|body|{raw_id}"


def detail_place(raw_id: int) -> str:
    """Where a detail of what was set aside of a message stands."""
    return f"quarantined|detail|{raw_id}"


def event_columns(vault: Vault, compound_id: int, event_id: int, said: Mapping[str, Any]) -> tuple[str, bytes | None]:
    """The columns ``attributes`` (JSON text) and ``personal`` (sealed JSON; None when there is nothing of a person).

    Raises orjson.JSONEncodeError for what JSON in PostgreSQL does not hold.
    """
    public, personal = parted(said)
    text = _json(public).decode()
    if not personal:
        return text, None
    content = _json(personal)
    if b"\\u0000" in content and _holds_nul(personal):
        raise orjson.JSONEncodeError("a NUL character")  # as the database refuses it in what is not sealed
    return text, vault.seal(content, event_place(event_id), area=compound_id)


def _json(values: Mapping[str, Any]) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_NON_STR_KEYS, default=str)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple)):
        return any(_holds_nul(each) for each in value)
    return isinstance(value, str) and "\x00" in value


async def attributes_of(vault: Vault, row: AnyRow) -> dict[str, Any]:
    """All attributes of an event's row (compound_id, id, attributes, personal); the public ones once its key is erased.

    ``row.id`` is the event's id. Raises ValueError when the personal part was changed or stands elsewhere.
    """
    said: dict[str, Any] = row.attributes
    if row.personal is None:
        return said
    try:
        content = await vault.open_bytes(row.personal, event_place(row.id), area=row.compound_id)
    except KeyErased:
        return said
    return {**said, **orjson.loads(content)}
