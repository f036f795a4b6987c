"""Words people write: how long they may be."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Invalid, Messages


class InvalidText(Invalid):
    """A text that is too short, too long or holds control characters; ``field`` says which."""

    code = "INVALID_TEXT"
    messages: ClassVar[Messages] = {
        "zh-CN": "须为 {least} 到 {most} 个字符，且不含控制字符",
        "en": "Give {least} to {most} characters without control characters",
    }


def words(text: str, *, field: str, most: int, least: int = 0, lines: bool = False) -> str:
    """``text`` without surrounding space. ``lines``: it may have more than one. Raises InvalidText."""
    said = text.strip()
    printable = (said.replace("\n", "") if lines else said).isprintable()
    if not least <= len(said) <= most or not printable:
        raise InvalidText(field=field, least=least, most=most)
    return said
