"""Structured logs: one JSON object a line on stderr, with the request's id; never secrets or personal data."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(level: str) -> None:
    """Configure structlog, and let the libraries' own loggers speak from warnings up."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    line = '{"library": "%(name)s", "level": "%(levelname)s", "event": "%(message)s"}'
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format=line)
