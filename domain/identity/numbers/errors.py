"""Errors of changing and moving numbers."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class SameNumber(Invalid):
    """The new number is the one the account has."""

    code = "SAME_NUMBER"
    messages: ClassVar[Messages] = {"zh-CN": "新号码与当前号码相同", "en": "That is the number you have"}


class NumberInUse(Conflict):
    """Somebody else signs in by the number. Told only to who has proven to hold it."""

    code = "NUMBER_IN_USE"
    messages: ClassVar[Messages] = {
        "zh-CN": "该号码已是另一个账号的登录号码",
        "en": "Another account signs in by this number",
    }


class NoMove(Conflict):
    """The number is proven, but nobody asked to move an account to it, or it was a day ago."""

    code = "NO_MOVE"
    messages: ClassVar[Messages] = {
        "zh-CN": "没有待确认的换号申请，请联系物业重新办理",
        "en": "Nobody has asked to move an account to this number; ask the office again",
    }


class MoveIncomplete(Conflict):
    """The person belongs to places that none of those who asked keeps: those must ask as well."""

    code = "MOVE_INCOMPLETE"
    messages: ClassVar[Messages] = {
        "zh-CN": "您在其他小区的住户或职务尚待该处物业或上级确认，请前往办理",
        "en": "You live or serve elsewhere too: the office there, or who stands above you, must ask for this as well",
    }
