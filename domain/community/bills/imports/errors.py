"""What can go wrong with files of bills."""

from __future__ import annotations

from typing import ClassVar

from domain.kernel.errors import Conflict, Invalid, Messages


class BadSheet(Invalid):
    """The file is no CSV or XLSX that can be read, or is larger than one may be. reason: in English, for its code."""

    code = "BAD_SHEET"
    messages: ClassVar[Messages] = {
        "zh-CN": "文件无法读取，须为 CSV（UTF-8 或 GB18030）或 XLSX",
        "en": "The file cannot be read; it must be CSV (UTF-8 or GB18030) or XLSX",
    }


class MissingColumns(Invalid):
    """The first row does not name what a bill needs."""

    code = "MISSING_COLUMNS"
    messages: ClassVar[Messages] = {"zh-CN": "缺少列：{columns}", "en": "Columns are missing: {columns}"}


class TooManyRows(Invalid):
    """More rows than one file may have."""

    code = "TOO_MANY_ROWS"
    messages: ClassVar[Messages] = {"zh-CN": "一个文件最多 {most} 行", "en": "A file has at most {most} rows"}


class ImportState(Conflict):
    """The import is not where this can be done to it."""

    code = "IMPORT_STATE"
    messages: ClassVar[Messages] = {
        "zh-CN": "导入任务当前状态为 {state}，不能进行此操作",
        "en": "The import is {state}, which does not allow this",
    }


class FaultyRows(Conflict):
    """There are rows with faults, and nobody said that they may be left out."""

    code = "FAULTY_ROWS"
    messages: ClassVar[Messages] = {
        "zh-CN": "有 {bad} 行存在问题；修正后重新上传，或确认跳过",
        "en": "{bad} rows have faults; mend and upload the file again, or say that they are left out",
    }
