"""A GraphQL request as it arrives: JSON read strictly, every member checked for its type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from api.execution.limits import Limits


class BadRequest(Exception):
    """The request is not a GraphQL request; the text may be shown to the caller. ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation to run: of the document ``query``, or of one that is named (``api.execution.admission``)."""

    query: str | None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None


def read_json(body: bytes | str, limits: Limits) -> Any:
    """The JSON value of ``body``; raises BadRequest for what is not JSON, nests too deeply or holds too many values."""
    # Texts hold commas and brackets too: a document may, and a note of a thousand words.
    if marks(body) > 2 * limits.document_characters:
        raise BadRequest("The JSON holds too many values", 413)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("The body is not valid JSON") from error
    check_size(value, depth=limits.json_depth, values=limits.json_values)
    return value


def marks(body: bytes | str) -> int:
    """How often what begins a JSON value stands in ``body``: at least as often as it holds values, but one."""
    if isinstance(body, str):
        return body.count(",") + body.count("[") + body.count("{")
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def check_size(value: Any, *, depth: int, values: int) -> None:
    """Raises BadRequest when ``value`` nests more than ``depth`` lists and objects or holds more than ``values``.

    Looks at one level at a time and stops at the first limit.
    """
    level = [value]
    for _ in range(depth + 1):
        below: list[Any] = []
        for item in level:
            values -= len(item) if isinstance(item, dict | list) else 0
            if values < 0:
                raise BadRequest("The JSON holds too many values", 413)
            if isinstance(item, dict):
                below.extend(v for v in item.values() if isinstance(v, dict | list))
            elif isinstance(item, list):
                below.extend(v for v in item if isinstance(v, dict | list))
        if not below:
            return
        level = below
    raise BadRequest("The JSON is nested too deeply")


def read_request(value: Any) -> GraphQLRequest:
    """The request in a JSON value; raises BadRequest when a member has the wrong type."""
    if isinstance(value, list):
        raise BadRequest("Batched requests are not supported; send one operation per request")
    if not isinstance(value, dict):
        raise BadRequest("The request must be a JSON object")
    document_id = value.get("documentId")
    if not isinstance(document_id, str | None):
        raise BadRequest("`documentId` must be a string")
    name = value.get("operationName")
    if not isinstance(name, str | None):
        raise BadRequest("`operationName` must be a string or null")
    variables = value.get("variables")
    if not isinstance(variables, dict | None):
        raise BadRequest("`variables` must be an object or null")
    extensions = value.get("extensions")
    if not isinstance(extensions, dict | None):
        raise BadRequest("`extensions` must be an object or null")
    query = value.get("query")
    named = document_id is not None or (extensions or {}).get("persistedQuery") is not None
    if not (isinstance(query, str) and query) and not (named and query in (None, "")):
        raise BadRequest("`query` must be a non-empty string")
    return GraphQLRequest(query or None, name or None, variables, extensions, document_id)
