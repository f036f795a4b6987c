"""Files as rows of text: the encodings and shapes offices send, and what is refused before it is unpacked."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from integrations import sheets
from integrations.sheet_process import read_rows
from integrations.sheets import Unreadable, format_of, rows_of


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_as_spreadsheets_write_it(encoding: str, delimiter: str, end: str) -> None:
    text = end.join([delimiter.join(["账期", "备注"]), "", delimiter.join(["2026-10", '"两行\n备注"'])]) + end
    assert rows_of(text.encode(encoding), form="csv", most=9) == [["账期", "备注"], ["2026-10", "两行\n备注"]]


def test_a_workbooks_cells_are_read_as_people_see_them() -> None:
    content = workbook(
        ["账期", "金额", "截止", "户号"],
        ["2026-10", 165.57999999999998, datetime(2026, 10, 31), 330100200300],  # noqa: DTZ001 - a cell has no zone
        [None, None],
        ["2026-11", 5.0, date(2026, 11, 30), "0012"],
    )
    assert format_of(content) == "xlsx"
    assert rows_of(content, form="xlsx", most=9) == [
        ["账期", "金额", "截止", "户号"],
        ["2026-10", "165.58", "2026-10-31", "330100200300"],
        ["2026-11", "5", "2026-11-30", "0012"],
    ]


def packed(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"PK\x03\x04 no zip", "xlsx"),
        (packed(nothing=b""), "xlsx"),
        (packed(**{"[Content_Types].xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"}), "xlsx"),
        (b"\xff\xfe\xff\xff\xff", "csv"),
        (b"a,b\n\0,c\n", "csv"),
        (b'a,"b\n', "csv"),
    ],
)
def test_what_is_no_sheet_is_refused(content: bytes, form: str) -> None:
    with pytest.raises(Unreadable):
        rows_of(content, form=form, most=9)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 1_000_000)
    with pytest.raises(Unreadable, match="too large"):
        rows_of(packed(bomb=b"0" * 2_000_000), form="xlsx", most=9)


def test_more_rows_than_may_be_are_refused() -> None:
    with pytest.raises(OverflowError):
        rows_of(b"head\n" + b"x\n" * 4, form="csv", most=3)
    assert len(rows_of(b"head\n" + b"x\n" * 3, form="csv", most=3)) == 4


def sheet(rows: str, shared: str = "") -> bytes:
    """A workbook whose first sheet has ``rows``, and whose texts are ``shared``; both as XML."""
    book = workbook(["x"])
    with zipfile.ZipFile(io.BytesIO(book)) as made:
        entries = {name: made.read(name) for name in made.namelist()}
    names = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    whole = f'<worksheet xmlns="{names}"><sheetData>{rows}</sheetData></worksheet>'
    entries["xl/worksheets/sheet1.xml"] = whole.encode()
    texts = b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument'
    texts += b'.spreadsheetml.sharedStrings+xml" /></Types>'
    entries["[Content_Types].xml"] = entries["[Content_Types].xml"].replace(b"</Types>", texts)
    entries["xl/sharedStrings.xml"] = f'<sst xmlns="{names}">{shared}</sst>'.encode()
    return packed(**entries)


async def test_a_file_is_read_by_a_process_of_its_own() -> None:
    assert await read_rows(workbook(["账期"], ["2026-10"]), form="xlsx", most=9) == [["账期"], ["2026-10"]]
    assert await read_rows("账期\n2026-10\n".encode(), form="csv", most=9) == [["账期"], ["2026-10"]]
    with pytest.raises(OverflowError):
        await read_rows(b"head\n" + b"x\n" * 4, form="csv", most=3)
    with pytest.raises(Unreadable, match="BadZipFile"):
        await read_rows(b"PK\x03\x04 no zip", form="xlsx", most=9)


def test_rows_before_a_far_one_are_not_made_up() -> None:
    far = sheet('<row r="1"><c r="A1"><v>7</v></c></row><row r="99999999999999"><c><v>8</v></c></row>')
    assert rows_of(far, form="xlsx", most=9) == [["7"]]


def test_a_text_said_again_and_again_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_TEXT", 1_000_000)
    again = sheet('<row><c t="s"><v>0</v></c></row>' * 500, f"<si><t>{'x' * 5_000}</t></si>")
    with pytest.raises(Unreadable, match="too much text"):
        rows_of(again, form="xlsx", most=1_000)


async def test_what_takes_too_much_memory_or_time_is_the_files_fault() -> None:
    wide = sheet(f"<row>{'<c/>' * 3_000_000}</row>")
    assert len(wide) < sheets.MOST_BYTES // 100
    with pytest.raises(Unreadable, match="too much"):
        await read_rows(wide, form="xlsx", most=9, memory=64 * 1024 * 1024)
    with pytest.raises(Unreadable, match="too long"):
        await read_rows(wide, form="xlsx", most=9, seconds=0.0)


@given(st.binary(max_size=300))
def test_nothing_else_is_raised(content: bytes) -> None:
    with suppress(Unreadable):
        rows_of(content, form=format_of(content), most=100)
