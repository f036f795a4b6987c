"""Errors of dead letters."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Invalid, Messages


class TooManyLetters(Invalid):
    """More dead letters named at once than a page holds."""

    code = "TOO_MANY_LETTERS"
    messages: ClassVar[Messages] = {"zh-CN": "一次最多 {most} 条", "en": "At most {most} at once"}
