"""Money is integer fen. Yuan stand only at the edge, in what vendors and people write."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar

from domain.kernel.errors import Invalid, Messages

_YUAN = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]+)?")


class InvalidAmount(Invalid):
    """Not an amount of money."""

    code = "INVALID_AMOUNT"
    messages: ClassVar[Messages] = {
        "zh-CN": "金额格式不正确，最多两位小数",
        "en": "This is not an amount in yuan with at most two decimal places",
    }


def fen_of(yuan: str, *, field: str | None = None) -> int:
    """``yuan`` as written ("12.30") in fen. Raises InvalidAmount for anything but digits worth whole fen."""
    if not _YUAN.fullmatch(yuan):
        raise InvalidAmount(field=field)
    fen = Decimal(yuan).scaleb(2)
    if fen != fen.to_integral_value():
        raise InvalidAmount(field=field)
    return int(fen)


def yuan_of(fen: int) -> str:
    """``fen`` in yuan with two places, as vendors want it: 1230 is "12.30"."""
    sign, rest = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{rest // 100}.{rest % 100:02d}"
