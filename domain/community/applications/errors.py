"""What can go wrong with the progress of applications."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Messages


class AlreadySubmitted(Conflict):
    """There is an application for this already."""

    code = "ALREADY_SUBMITTED"
    messages: ClassVar[Messages] = {"zh-CN": "该事项已提交过申请", "en": "This was applied for already"}


class ApplicationOver(Conflict):
    """The application is over, or cannot come to that state from where it is."""

    code = "APPLICATION_OVER"
    messages: ClassVar[Messages] = {
        "zh-CN": "该申请当前状态不允许此操作",
        "en": "The application is over, or not so far",
    }


class TooManyOpen(Conflict):
    """The home has as much under way as a home may: nobody takes all the times there are."""

    code = "TOO_MANY_OPEN"
    messages: ClassVar[Messages] = {
        "zh-CN": "每户同时进行中的申请最多 {most} 项",
        "en": "A home has at most {most} applications under way",
    }
