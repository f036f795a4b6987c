"""What can go wrong with meters and readings, beside the rules of plausibility."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class InvalidMeter(Invalid):
    """Nothing meters property fees."""

    code = "INVALID_METER"
    messages: ClassVar[Messages] = {
        "zh-CN": "仅水、电、燃气可登记表具",
        "en": "Only water, electricity and gas have meters",
    }


class ReadingJudged(Conflict):
    """The reading does not wait to be confirmed."""

    code = "READING_JUDGED"
    messages: ClassVar[Messages] = {
        "zh-CN": "该读数无需确认或已处理",
        "en": "The reading does not wait to be confirmed",
    }
