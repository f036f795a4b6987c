"""What can go wrong with commands on prices."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class InvalidPrice(Invalid):
    """Not a price: nothing, below nothing, or more than anything in a market costs."""

    code = "INVALID_PRICE"
    messages: ClassVar[Messages] = {"zh-CN": "价格无效", "en": "This is not a price of goods in a market"}


class InvalidRange(Invalid):
    """The lowest price is above the average, or the average above the highest."""

    code = "INVALID_PRICE_RANGE"
    messages: ClassVar[Messages] = {
        "zh-CN": "最低价不能高于平均价，平均价不能高于最高价",
        "en": "The lowest price is at most the average, and the average at most the highest",
    }


class FutureDay(Invalid):
    """A day that has not begun in the compound's zone, or is too long ago to be entered."""

    code = "INVALID_DAY"
    messages: ClassVar[Messages] = {
        "zh-CN": "日期不能晚于今天，也不能早于 {most} 天前",
        "en": "The day is at most today and at least {most} days ago",
    }


class InvalidTable(Invalid):
    """A list of prices that cannot be read as one."""

    code = "INVALID_TABLE"
    messages: ClassVar[Messages] = {
        "zh-CN": "表格无法识别：首行须为列名，至少包含“品名”和“平均价”，最多 {most} 行",
        "en": "No list of prices: the first line names the columns, 品名 and 平均价 at least; at most {most} lines",
    }


class TooManyAlerts(Conflict):
    """More price alerts than one person may keep."""

    code = "TOO_MANY_PRICE_ALERTS"
    messages: ClassVar[Messages] = {"zh-CN": "最多设置 {most} 个价格提醒", "en": "At most {most} price alerts"}


class PriceAlertExists(Conflict):
    """There is an alert for this name in this market already."""

    code = "PRICE_ALERT_EXISTS"
    messages: ClassVar[Messages] = {"zh-CN": "已设置该品名的提醒", "en": "There is an alert for this already"}
