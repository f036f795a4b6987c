"""What can go wrong with pictures that people send."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Invalid, Messages


class TooManyPictures(Invalid):
    """More pictures at once than one thing needs."""

    code = "TOO_MANY_PICTURES"
    messages: ClassVar[Messages] = {"zh-CN": "一次最多 {most} 张图片", "en": "At most {most} pictures at once"}
