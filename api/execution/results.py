"""Results as JSON: errors masked, capped and in a fixed order of members."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError

from domain.kernel.errors import DomainError, Limited

log = structlog.get_logger(__name__)

FormatError = Callable[[GraphQLError, Any], dict[str, Any]]
"""An error as it is shown. The second argument is the operation's context, None when there is none yet."""


def mask_error(error: GraphQLError, context: Any) -> dict[str, Any]:
    """What a caller may know of ``error``: GraphQL's own and the domain's as they are, all else by an id in the log."""
    del context
    original = error.original_error
    shown: dict[str, Any] = dict(error.formatted)
    if isinstance(original, DomainError):
        shown["message"] = original.message()
        shown["extensions"] = {"code": original.code, "kind": original.kind}
        if isinstance(original, Limited):
            shown["extensions"]["retryAfter"] = original.retry_after
        if original.field:
            shown["extensions"]["field"] = original.field
    elif original is not None and not isinstance(original, GraphQLError):
        incident = uuid.uuid4().hex
        log.error("operation.failed", incident=incident, path=error.path, exc_info=original)
        shown["message"] = "Internal error"
        shown["extensions"] = {"code": "INTERNAL", "incident": incident}
    return shown


class Results:
    """Turns results and errors into response bodies."""

    def __init__(self, format_error: FormatError, most_errors: int) -> None:
        self._format = format_error
        self._most = most_errors

    def errors(self, errors: Iterable[GraphQLError], context: Any = None) -> list[dict[str, Any]]:
        """The first errors, as shown to the caller."""
        return [self._format(error, context) for error in list(errors)[: self._most]]

    def body(self, result: ExecutionResult, context: Any = None) -> tuple[bytes, bool]:
        """The response body, and whether the operation was executed at all (if not there is no ``data``)."""
        executed = was_executed(result)
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = self.errors(result.errors, context)
        if executed:
            answer["data"] = result.data
        if result.extensions:
            answer["extensions"] = result.extensions
        try:
            return orjson.dumps(answer), executed
        except TypeError as error:
            return self.body(ExecutionResult(None, [GraphQLError("Internal error", path=[], original_error=error)]))


def was_executed(result: ExecutionResult) -> bool:
    """Whether fields were resolved: errors found before that (variables, say) carry no path."""
    return result.data is not None or any(error.path is not None for error in result.errors or ())
