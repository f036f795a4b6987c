"""What can be wrong with a row of a file, each a code with its words in zh-CN and en."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Why a row is no bill."""

    MISSING = "MISSING"
    BAD_KIND = "BAD_KIND"
    BAD_AMOUNT = "BAD_AMOUNT"
    BAD_PERIOD = "BAD_PERIOD"
    BAD_DATE = "BAD_DATE"
    BAD_ACCOUNT = "BAD_ACCOUNT"
    BAD_TEXT = "BAD_TEXT"
    UNKNOWN_HOME = "UNKNOWN_HOME"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    ACCOUNT_OF_ANOTHER_HOME = "ACCOUNT_OF_ANOTHER_HOME"
    REPEATED = "REPEATED"
    DIFFERS = "DIFFERS"


WORDS: dict[Fault, tuple[str, str]] = {
    Fault.MISSING: ("缺少必填项", "This must be given"),
    Fault.BAD_KIND: ("类别须为水费、电费、燃气费或物业费", "The kind is water, electricity, gas or property"),
    Fault.BAD_AMOUNT: (
        "金额须大于零，最多两位小数（元）",
        "An amount in yuan is above zero and has at most two decimal places",
    ),
    Fault.BAD_PERIOD: ("账期须为月份，例如 2026-10", "A period is a month, like 2026-10"),
    Fault.BAD_DATE: ("日期格式须为 2026-10-31 或 20261031", "A date is written 2026-10-31 or 20261031"),
    Fault.BAD_ACCOUNT: ("户号为 4 到 32 位字母或数字", "An account number has 4 to 32 letters or digits"),
    Fault.BAD_TEXT: ("文字过长或含控制字符", "The text is too long or holds control characters"),
    Fault.UNKNOWN_HOME: ("本小区没有该房屋", "There is no such home in the compound"),
    Fault.UNKNOWN_ACCOUNT: ("户号未登记", "The account number is not registered"),
    Fault.ACCOUNT_OF_ANOTHER_HOME: ("户号不属于该房屋", "The account number is of another home"),
    Fault.DIFFERS: (
        "与此编号已出的账单不同；须更改时请更正该账单",
        "It is not what was issued under this id; correct that bill if it has changed",
    ),
    Fault.REPEATED: ("与文件中前面的账单编号重复", "A row before has the same bill id"),
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong, and in which column, by its name in the format."""

    fault: Fault
    column: str


def said(fault: str, language: str) -> str:
    """``fault`` in words; the code itself for one of another version."""
    try:
        texts = WORDS[Fault(fault)]
    except ValueError:
        return fault
    return texts[0 if language == "zh-CN" else 1]
