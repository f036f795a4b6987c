"""The one error tree of the domain.

    DomainError
    ├── Invalid        the request can never succeed as it stands
    ├── Unauthenticated no valid sign-in
    ├── NotFound       no such row, or none the caller may see (the two look the same)
    ├── Forbidden      the caller sees the thing but may not do this to it
    ├── Conflict       the state of the thing does not allow it (now)
    ├── Limited        too many attempts; ``retry_after`` seconds says when
    └── Unavailable    an outside party did not answer; trying again may help

Slices subclass these with a ``code``; ``message`` is a template per language, filled from ``params``.
"""

from __future__ import annotations

from typing import ClassVar

Messages = dict[str, str]


class DomainError(Exception):
    """An error that may be shown to the caller: a stable code and a message in zh-CN and en."""

    kind: ClassVar[str] = "invalid"
    code: ClassVar[str] = "INVALID"
    messages: ClassVar[Messages] = {"zh-CN": "请求无效", "en": "The request is not valid"}

    def __init__(self, *, field: str | None = None, **params: object) -> None:
        self.field = field
        self.params = params
        super().__init__(f"{self.code}{f' ({field})' if field else ''}")

    def message(self, language: str = "en") -> str:
        """The text for one language ("zh-CN" or "en"); English when the language is not known."""
        return self.messages.get(language, self.messages["en"]).format(**self.params)


class Invalid(DomainError):
    """The request can never succeed as it stands."""


class Unauthenticated(DomainError):
    """No valid sign-in stands behind the request."""

    kind = "unauthenticated"
    code = "UNAUTHENTICATED"
    messages: ClassVar[Messages] = {"zh-CN": "请先登录", "en": "Please sign in"}


class NotFound(DomainError):
    """No such row, or none the caller may see."""

    kind = "not_found"
    code = "NOT_FOUND"
    messages: ClassVar[Messages] = {"zh-CN": "未找到", "en": "Not found"}


class Forbidden(DomainError):
    """The caller may see the thing but may not do this to it."""

    kind = "forbidden"
    code = "FORBIDDEN"
    messages: ClassVar[Messages] = {"zh-CN": "无权进行此操作", "en": "You may not do this"}


class Conflict(DomainError):
    """The state of the thing does not allow it."""

    kind = "conflict"
    code = "CONFLICT"
    messages: ClassVar[Messages] = {
        "zh-CN": "当前状态不允许此操作",
        "en": "The current state does not allow this",
    }


class Limited(DomainError):
    """Too many attempts; ``retry_after`` is in seconds."""

    kind = "limited"
    code = "RATE_LIMITED"
    messages: ClassVar[Messages] = {
        "zh-CN": "操作过于频繁，请在 {retry_after} 秒后重试",
        "en": "Too many attempts; try again in {retry_after} seconds",
    }

    def __init__(self, *, retry_after: int, field: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(field=field, retry_after=retry_after)


class Unavailable(DomainError):
    """An outside party did not answer; trying again may help."""

    kind = "unavailable"
    code = "UNAVAILABLE"
    messages: ClassVar[Messages] = {
        "zh-CN": "服务暂时不可用，请稍后重试",
        "en": "Temporarily unavailable; try again later",
    }
