"""Output of children: lines, long lines, rotation."""

from __future__ import annotations

import asyncio
import errno
import io
from pathlib import Path

import pytest

from cli import logs
from cli.logs import ChildLog


async def _fed(log: ChildLog, *chunks: bytes) -> None:
    stream = asyncio.StreamReader()
    log.follow(stream)
    for chunk in chunks:
        stream.feed_data(chunk)
        await asyncio.sleep(0)
    stream.feed_eof()
    await log.drained(5)


async def test_lines_are_shown_whole_however_they_arrive(tmp_path: Path) -> None:
    shown: list[str] = []
    log = ChildLog(tmp_path / "a.log", shown.append)

    await _fed(log, b"one\ntw", b"o\r\n", "三".encode(), b"\nend")
    log.close()

    assert shown == ["one", "two", "三", "end"]
    assert (tmp_path / "a.log").read_bytes() == "one\ntwo\r\n三\nend".encode()


async def test_a_line_without_end_does_not_pile_up(tmp_path: Path) -> None:
    shown: list[str] = []
    log = ChildLog(tmp_path / "a.log", shown.append)

    await _fed(log, b"x" * (logs.LONGEST_LINE + 1), b"y\n")
    log.close()

    assert shown == ["x" * (logs.LONGEST_LINE + 1), "y"]


async def test_the_file_is_moved_aside_when_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROTATE_BYTES", 10)
    log = ChildLog(tmp_path / "a.log", None)

    await _fed(log, b"0123456789ab\n")
    await _fed(log, b"new\n")

    assert (tmp_path / "a.log.1").read_text() == "0123456789ab\n"
    assert log.tail() == "new"
    log.close()


async def test_the_tail_begins_with_this_run(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("yesterday\n")
    log = ChildLog(tmp_path / "a.log", None)

    await _fed(log, b"today\n")

    assert log.tail() == "today"
    log.close()


async def test_a_full_disk_costs_lines_and_never_stops_the_reading(tmp_path: Path) -> None:
    shown: list[str] = []
    log = ChildLog(tmp_path / "a.log", shown.append)
    room = log._file

    class Full(io.FileIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    log._file = Full(tmp_path / "other", "w")
    await _fed(log, b"one\n", b"two\n")
    log._file.close()
    log._file = room
    await _fed(log, b"three\n")
    log.close()

    assert shown == ["one", "two", "three"]
    said = (tmp_path / "a.log").read_text()
    assert said.endswith("three\n")
    assert "8 bytes are missing" in said
