"""What can go wrong when events are read."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Invalid, Messages


class RangeNeeded(Invalid):
    """One kind of event over more than one compound needs a range of time, or a year would be searched."""

    code = "RANGE_NEEDED"
    messages: ClassVar[Messages] = {
        "zh-CN": "跨小区按类型查询须限定不超过 {days} 天的时间范围",
        "en": "For one kind in more than one compound give from and to, at most {days} days apart",
    }
