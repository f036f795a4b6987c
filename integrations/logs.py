"""Structured logs: one JSON object a line on stderr, with the request's id; never secrets or personal data."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict

# PostgreSQL quotes the offending row or key in an error's detail.
_DETAIL = re.compile(r"^DETAIL:.*?(?=^(?:HINT:|\[SQL|\Z)|\n\n|\Z)", re.MULTILINE | re.DOTALL)


def configure_logs(level: str) -> None:
    """Configure structlog, and let the libraries' own loggers speak from warnings up."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_details,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LibraryLine())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler])


def without_details(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """A processor: an exception's text without what the database quotes of its rows."""
    if "exception" in event:
        event["exception"] = _DETAIL.sub("DETAIL: …", event["exception"])
    return event


class LibraryLine(logging.Formatter):
    """A library's own log record as one JSON line, its traceback inside."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {"library": record.name, "level": record.levelname.lower(), "event": record.getMessage()}
        if record.exc_info:
            line["exception"] = _DETAIL.sub("DETAIL: …", self.formatException(record.exc_info))
        return orjson.dumps(line).decode()
