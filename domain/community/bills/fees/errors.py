"""What can go wrong with fee rules."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Invalid, Messages


class InvalidFeeRule(Invalid):
    """A part of the rule is out of bounds; ``field`` says which."""

    code = "INVALID_FEE_RULE"
    messages: ClassVar[Messages] = {
        "zh-CN": "收费规则的 {name} 不在允许范围内",
        "en": "{name} of the fee rule is out of bounds",
    }
