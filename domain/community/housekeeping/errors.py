"""What can go wrong with housekeeping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class NameTaken(Conflict):
    """There is one of this name already."""

    code = "NAME_TAKEN"
    messages: ClassVar[Messages] = {"zh-CN": "名称“{name}”已存在", "en": "There is one called {name} already"}


class InvalidLicence(Invalid):
    """Not a unified social credit code."""

    code = "INVALID_LICENCE"
    messages: ClassVar[Messages] = {
        "zh-CN": "统一社会信用代码应为 18 位",
        "en": "A unified social credit code has 18 digits and capital letters",
    }


class InvalidTerms(Invalid):
    """A price list entry that makes no sense; ``field`` says where."""

    code = "INVALID_TERMS"
    messages: ClassVar[Messages] = {
        "zh-CN": "价目设置无效，须在 {least} 到 {most} 之间",
        "en": "Give a number between {least} and {most}",
    }


class InvalidHours(Invalid):
    """Working hours that overlap, end before they begin, or do not stand on the half hour."""

    code = "INVALID_HOURS"
    messages: ClassVar[Messages] = {
        "zh-CN": "工作时间须为不重叠的整半点时段",
        "en": "Working hours stand on the half hour and do not overlap",
    }


class AlreadyWorker(Conflict):
    """The account works here already."""

    code = "ALREADY_WORKER"
    messages: ClassVar[Messages] = {"zh-CN": "该人员已登记", "en": "This person works here already"}


class Retired(Conflict):
    """The provider, service or worker was retired before."""

    code = "RETIRED"
    messages: ClassVar[Messages] = {"zh-CN": "已停用", "en": "This was retired already"}


class WorkerBooked(Conflict):
    """The worker is booked, or absent, in this time."""

    code = "WORKER_BOOKED"
    messages: ClassVar[Messages] = {
        "zh-CN": "该时段内已有预约或请假，请先改派或取消",
        "en": "The worker has bookings or an absence in this time; reassign or cancel those first",
    }


class AbsenceRemoved(Conflict):
    """The absence was taken back before."""

    code = "ABSENCE_REMOVED"
    messages: ClassVar[Messages] = {"zh-CN": "该请假已撤销", "en": "This absence was taken back already"}


class InvalidTime(Invalid):
    """A time that is over, too soon, too far ahead, or ends before it begins."""

    code = "INVALID_TIME"
    messages: ClassVar[Messages] = {
        "zh-CN": "时间须在两小时之后、180 天之内",
        "en": "Give a time from two hours to 180 days ahead",
    }


class OutsideHours(Invalid):
    """Nobody of the provider works at this time of the week, or it does not stand on the half hour."""

    code = "OUTSIDE_HOURS"
    messages: ClassVar[Messages] = {
        "zh-CN": "该时间无人上班，请选择整半点的可约时段",
        "en": "Nobody works at this time; choose one of the times offered, on the half hour",
    }


class InvalidQuantity(Invalid):
    """More or less than the service is sold in."""

    code = "INVALID_QUANTITY"
    messages: ClassVar[Messages] = {
        "zh-CN": "数量须在 {least} 到 {most} 之间",
        "en": "Order between {least} and {most}",
    }


class InvalidRecurrence(Invalid):
    """A series of fewer than two or too many times."""

    code = "INVALID_RECURRENCE"
    messages: ClassVar[Messages] = {
        "zh-CN": "周期预约须为 2 到 {most} 次",
        "en": "A series has 2 to {most} times",
    }


class SlotTaken(Conflict):
    """Somebody else has the time. ``taken``: the instants that are not to be had."""

    code = "SLOT_TAKEN"
    messages: ClassVar[Messages] = {"zh-CN": "该时段已被预约", "en": "This time is taken"}

    def __init__(self, taken: Sequence[datetime] = ()) -> None:
        self.taken = tuple(taken)
        super().__init__(field="startsAt")


class WrongState(Conflict):
    """The booking is not in the state that this needs."""

    code = "WRONG_STATE"
    messages: ClassVar[Messages] = {
        "zh-CN": "预约当前状态不允许此操作",
        "en": "The booking's state does not allow this",
    }


class TooEarly(Conflict):
    """Long before the booked time."""

    code = "TOO_EARLY"
    messages: ClassVar[Messages] = {
        "zh-CN": "预约开始前 {minutes} 分钟内才能签到",
        "en": "Check in at most {minutes} minutes before the booked time",
    }


class TooLate(Conflict):
    """The booked time has begun: whether the worker or the home was not there is for the office to say."""

    code = "TOO_LATE"
    messages: ClassVar[Messages] = {
        "zh-CN": "预约时间已到，请联系物业处理",
        "en": "The booked time has begun; ask the property office",
    }


class InvalidStars(Invalid):
    """Not one to five stars."""

    code = "INVALID_STARS"
    messages: ClassVar[Messages] = {"zh-CN": "评分为 1 到 5 星", "en": "Give one to five stars"}
