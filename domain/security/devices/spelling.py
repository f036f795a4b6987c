"""How tags and plates are spelt: one way, in readers' messages, people's questions and tables alike."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_TAG: Final = re.compile(r"[0-9A-F]{4,64}")
_TAG_SEPARATORS: Final = str.maketrans("", "", " :-")
_PLATE: Final = re.compile(r"[0-9A-Z\u4e00-\u9fff-]{2,16}")
_PLATE_SEPARATORS: Final = re.compile(r"[\s.·•‧∙⋅・。．﹒]+")
_NOT_READ: Final = frozenset(
    {"无", "无牌", "无牌车", "无车牌", "未识别", "未知", "车牌", "UNKNOWN", "NOPLATE", "NONE", "NULL", "-", "--"}
)


def spelt_tag(text: str) -> str | None:
    """Upper-case hexadecimal, 4 to 64 digits, without "0x", spaces, colons and dashes; None when it is no tag's id."""
    tag = text.strip().upper().removeprefix("0X").translate(_TAG_SEPARATORS)
    return tag if _TAG.fullmatch(tag) else None


def spelt_plate(text: str) -> str | None:
    """Upper-case, full-width letters folded, without spaces and dots; None when it is no plate, or says "not read".

    New-energy plates have eight characters; foreign ones any.
    """
    plate = _PLATE_SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    return plate if plate.strip("_") not in _NOT_READ and _PLATE.fullmatch(plate) else None
