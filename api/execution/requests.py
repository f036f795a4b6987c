"""A GraphQL request as it arrives: JSON read strictly, every member checked for its type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson


class BadRequest(Exception):
    """The request is not a GraphQL request; the text may be shown to the caller. ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation to run."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


def read_json(body: bytes | str, *, depth: int) -> Any:
    """The JSON value of ``body``; raises BadRequest for anything that is not JSON or nests deeper than ``depth``."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("The body is not valid JSON") from error
    if deeper_than(value, depth):
        raise BadRequest("The JSON is nested too deeply")
    return value


def deeper_than(value: Any, depth: int) -> bool:
    """Whether ``value`` nests more than ``depth`` lists and objects; looks at one level at a time."""
    level = [value]
    for _ in range(depth + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(v for v in item.values() if isinstance(v, dict | list))
            elif isinstance(item, list):
                below.extend(v for v in item if isinstance(v, dict | list))
        if not below:
            return False
        level = below
    return True


def read_request(value: Any) -> GraphQLRequest:
    """The request in a JSON value; raises BadRequest when a member has the wrong type."""
    if isinstance(value, list):
        raise BadRequest("Batched requests are not supported; send one operation per request")
    if not isinstance(value, dict):
        raise BadRequest("The request must be a JSON object")
    query = value.get("query")
    if not isinstance(query, str) or not query:
        raise BadRequest("`query` must be a non-empty string")
    name = value.get("operationName")
    if not isinstance(name, str | None):
        raise BadRequest("`operationName` must be a string or null")
    variables = value.get("variables")
    if not isinstance(variables, dict | None):
        raise BadRequest("`variables` must be an object or null")
    extensions = value.get("extensions")
    if not isinstance(extensions, dict | None):
        raise BadRequest("`extensions` must be an object or null")
    return GraphQLRequest(query, name or None, variables, extensions)
