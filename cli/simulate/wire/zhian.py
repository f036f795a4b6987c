"""Zhian's own contract: a message, an array of messages, or one message per line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

JSON = "application/json"
NDJSON = "application/x-ndjson"


def message(kind: str, key: str, at: datetime, data: dict[str, Any], **around: Any) -> dict[str, Any]:
    """One message; ``around``: seq, previous_seq, late, source, pictures."""
    return {"id": key, "type": kind, "at": at.isoformat(timespec="milliseconds"), **around, "data": data}


def single(said: dict[str, Any]) -> bytes:
    """A body of one message."""
    return orjson.dumps(said)


def lines(said: Sequence[dict[str, Any]]) -> bytes:
    """A body of one message per line."""
    return b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in said)
