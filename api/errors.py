"""What of an error reaches the caller: a stable code, its kind and a message in the caller's language.

All else is masked with an id under which it stands in the log.
"""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from graphql import GraphQLError

from domain.kernel.errors import DomainError, Limited

log = structlog.get_logger(__name__)

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "zh-CN"
INTERNAL = {"zh-CN": "服务器内部错误（编号 {id}）", "en": "Internal error ({id})"}


def language_of(accept_language: str | None, account_language: str | None = None) -> str:
    """The language of texts: the first one we speak in ``Accept-Language``, else the account's, else zh-CN."""
    for entry in (accept_language or "").split(","):
        tag = entry.partition(";")[0].strip().lower()
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return account_language if account_language in LANGUAGES else DEFAULT_LANGUAGE


def _of_domain(error: GraphQLError, cause: DomainError, language: str) -> None:
    extensions: dict[str, Any] = {"code": cause.code, "kind": cause.kind}
    if cause.field is not None:
        extensions["field"] = cause.field
    if isinstance(cause, Limited):
        extensions["retryAfter"] = cause.retry_after
    if cause.params:
        extensions["params"] = {name: value for name, value in cause.params.items() if isinstance(value, int | str)}
    error.message = cause.message(language)
    error.extensions = extensions


def _masked(error: GraphQLError, language: str, request_id: str) -> None:
    error_id = secrets.token_hex(6)
    log.error(
        "resolver_failed",
        error_id=error_id,
        request_id=request_id,
        path=error.path,
        exc_info=error.original_error,
    )
    error.message = INTERNAL[language].format(id=error_id)
    error.extensions = {"code": "INTERNAL", "kind": "internal", "id": error_id}


def present(error: GraphQLError, *, language: str, request_id: str = "") -> None:
    """Turn ``error`` into what the caller may see, in place. Doing it twice changes nothing."""
    if error.extensions and "code" in error.extensions:
        return
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, DomainError):
        _of_domain(error, cause, language)
    elif error.path is None and (cause is None or error.nodes):
        error.extensions = {"code": "BAD_REQUEST", "kind": "invalid"}  # the operation's own text or variables
    else:
        _masked(error, language, request_id)


def format_error(error: GraphQLError, context: Any = None) -> dict[str, Any]:
    """The error as the transport writes it; ``context`` is the operation's, None when it never got one."""
    language = getattr(context, "language", DEFAULT_LANGUAGE)
    present(error, language=language, request_id=getattr(context, "request_id", ""))
    _record(error, context)
    return dict(error.formatted)


def _record(error: GraphQLError, context: Any) -> None:
    """A line for everything refused: what, where, and by which account; never with what was sent."""
    code = (error.extensions or {}).get("code")
    if code == "INTERNAL":
        return  # has a line of its own
    log.info(
        "refused",
        code=code,
        field=next((part for part in error.path or () if isinstance(part, str)), None),
        account=getattr(getattr(context, "actor", None), "account_id", None),
        request_id=getattr(context, "request_id", ""),
    )
