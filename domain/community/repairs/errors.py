"""What can go wrong with repairs."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Forbidden, Invalid, Messages


class NotSoFar(Conflict):
    """The repair is not in a state in which this can be done."""

    code = "REPAIR_NOT_SO_FAR"
    messages: ClassVar[Messages] = {
        "zh-CN": "报修单当前状态不允许此操作",
        "en": "The repair is not in a state in which this can be done",
    }


class AlreadyTaken(Conflict):
    """Somebody else was faster, or the offer is over."""

    code = "REPAIR_TAKEN"
    messages: ClassVar[Messages] = {"zh-CN": "该报修单已被接走", "en": "Somebody else has taken this repair"}


class SkillMissing(Forbidden):
    """The worker does not have the skill that the repair needs."""

    code = "SKILL_MISSING"
    messages: ClassVar[Messages] = {
        "zh-CN": "该师傅不具备此类维修技能",
        "en": "The worker does not have the skill for this repair",
    }


class NobodyThere(Conflict):
    """No worker of the compound has the skill."""

    code = "NO_WORKER"
    messages: ClassVar[Messages] = {
        "zh-CN": "本小区暂无可派的维修师傅",
        "en": "No worker of this compound can be given the repair",
    }


class InvalidItems(Invalid):
    """No lines, too many, or amounts beyond the bounds."""

    code = "INVALID_ITEMS"
    messages: ClassVar[Messages] = {
        "zh-CN": "明细须为 1 到 {most} 行，数量与单价须为正，合计不超过上限",
        "en": "Give 1 to {most} items with positive quantities and prices within bounds",
    }


class InvalidWindow(Invalid):
    """A time that ends before it begins, is over, or lies too far ahead."""

    code = "INVALID_WINDOW"
    messages: ClassVar[Messages] = {
        "zh-CN": "期望上门时间无效",
        "en": "The wished time is over, too far ahead, or ends before it begins",
    }


class AboveQuotation(Conflict):
    """More than the home agreed to: quote again first."""

    code = "ABOVE_QUOTATION"
    messages: ClassVar[Messages] = {
        "zh-CN": "实际费用超过住户同意的报价，请重新报价",
        "en": "This is more than the home agreed to: quote again first",
    }


class NoWarranty(Conflict):
    """The earlier repair is of something else, not done, or its warranty is over."""

    code = "NO_WARRANTY"
    messages: ClassVar[Messages] = {
        "zh-CN": "不在保修范围内或保修期已过",
        "en": "Not under warranty, or no longer",
    }


class TooLateToCancel(Conflict):
    """The visit is less than two hours away."""

    code = "TOO_LATE_TO_CANCEL"
    messages: ClassVar[Messages] = {
        "zh-CN": "距上门不足两小时，请联系物业取消",
        "en": "The visit is less than two hours away: ask the property office",
    }


class AlreadyRated(Conflict):
    """The repair was rated before."""

    code = "ALREADY_RATED"
    messages: ClassVar[Messages] = {"zh-CN": "该报修单已评价", "en": "This repair was rated already"}


class InvalidRating(Invalid):
    """A rating outside one to five."""

    code = "INVALID_RATING"
    messages: ClassVar[Messages] = {"zh-CN": "评分须为 1 到 5", "en": "Rate with one to five"}


class AlreadyVisited(Conflict):
    """The return visit was made before."""

    code = "ALREADY_VISITED"
    messages: ClassVar[Messages] = {"zh-CN": "该报修单已回访", "en": "The return visit was made already"}
