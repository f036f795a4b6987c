"""Log lines: one JSON object each, also those of libraries, and without what the database quotes of its rows."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

from integrations.logs import LibraryLine, without_details

QUOTED = """Traceback (most recent call last):
  File "x.py", line 1, in f
asyncpg.exceptions.UniqueViolationError: duplicate key value violates unique constraint "uq"
DETAIL:  Key (phone)=(+8613900000001) already exists,
with a second line of 张三.

The above exception was the direct cause of the following exception:

sqlalchemy.exc.IntegrityError: (sqlalchemy.dialects.postgresql.asyncpg.IntegrityError) <class 'X'>: duplicate key
DETAIL:  Key (phone)=(+8613900000001) already exists.
[SQL: insert into account (phone) values ($1)]
"""


def test_what_the_database_quotes_is_left_out() -> None:
    shown = str(without_details(None, "error", {"event": "x", "exception": QUOTED})["exception"])

    assert "+8613900000001" not in shown
    assert "张三" not in shown
    for kept in ('constraint "uq"', "The above exception", "IntegrityError", "[SQL: insert"):
        assert kept in shown
    assert without_details(None, "info", {"event": "x"}) == {"event": "x"}


def test_a_librarys_line_is_json_whatever_it_says() -> None:
    words = 'with "quotes"\nDETAIL:  ' + "secret"[::-1]
    try:
        raise ValueError(words)
    except ValueError:
        record = logging.LogRecord("lib", logging.ERROR, "f", 1, 'said "%s"\n', ("x",), sys.exc_info())

    line = LibraryLine().format(record)

    assert "\n" not in line
    said = json.loads(line)
    assert (said["library"], said["level"], said["event"]) == ("lib", "error", 'said "x"\n')
    assert "ValueError" in said["exception"]
    assert "terces" not in said["exception"]


def test_a_process_writes_one_object_a_line_from_its_level_up() -> None:
    program = (
        "import logging, structlog; from integrations.logs import configure_logs; configure_logs('info');"
        "log = structlog.get_logger(); log.debug('no'); log.info('yes', door='东门');"
        "logging.getLogger('lib').info('no'); logging.getLogger('lib').warning('careful')"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["yes", "careful"]
    assert (lines[0]["door"], lines[0]["level"]) == ("东门", "info")
    assert done.stdout == ""
