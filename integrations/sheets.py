"""CSV and XLSX files as rows of text. They are not trusted: sizes are held before anything is unpacked."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final

MOST_BYTES: Final = 16 * 1024 * 1024
MOST_UNPACKED: Final = 256 * 1024 * 1024
MOST_COLUMNS: Final = 64
MOST_CELL: Final = 4_000
MOST_TEXT: Final = 64 * 1024 * 1024
"""Characters in all cells together; a file can say one long text a million times in little room."""
LAST_ROW: Final = 1_048_576
"""The last row a workbook has; a row that says it is a later one would have all those before it made up."""
ZIP: Final = b"PK\x03\x04"


class Unreadable(ValueError):
    """The file is no sheet, or larger than one may be."""


def format_of(content: bytes) -> str:
    """ "xlsx" or "csv", by the first bytes."""
    return "xlsx" if content.startswith(ZIP) else "csv"


def rows_of(content: bytes, *, form: str, most: int) -> list[list[str]]:
    """The rows of a file that hold anything, ``most`` and the head at most. Raises Unreadable, OverflowError (more).

    What a file of strangers unpacks to may be too much: ``sheet_process`` reads those.
    """
    found: list[list[str]] = []
    told = 0
    try:
        for row in _xlsx(content) if form == "xlsx" else _csv(content):
            cells = [cell.strip() for cell in row[:MOST_COLUMNS]]
            while cells and not cells[-1]:
                cells.pop()
            if not cells:
                continue
            if len(found) > most:
                raise OverflowError(most)
            told += sum(map(len, cells))
            if told > MOST_TEXT:
                raise Unreadable("too much text")
            found.append(cells)
    except (Unreadable, OverflowError, MemoryError):
        raise
    except Exception as error:
        raise Unreadable(type(error).__name__) from error
    return found


def _csv(content: bytes) -> Iterator[Sequence[str]]:
    """UTF-8, with or without its mark, or GB18030 as Excel in China writes it; commas, semicolons or tabs."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    if "\0" in text:
        raise Unreadable("NUL")
    head = text[:4_000].split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _xlsx(content: bytes) -> Iterator[Sequence[str]]:
    """The first sheet. openpyxl takes its XML through defusedxml, and reads row by row."""
    from openpyxl import load_workbook  # a fifth of a second of every process's start, for a file a month

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > MOST_UNPACKED:
            raise Unreadable("unpacked it is too large")
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    try:
        sheet = book.worksheets[0] if book.worksheets else None
        if sheet is None:
            raise Unreadable("no sheet")
        for row in sheet.iter_rows(max_row=LAST_ROW, max_col=MOST_COLUMNS, values_only=True):
            if row.count(None) < len(row):
                yield [text_of(value) for value in row]
    finally:
        book.close()


def text_of(value: Any) -> str:
    """A cell as people read it: dates by ISO, numbers without what binary fractions add."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else f"{value:.12g}"
    return str(value)[:MOST_CELL]
