"""Logs: event names and fields, on standard error, for a terminal or as JSON; never what a customer wrote."""

import logging
import os
import sys

import structlog
from structlog.typing import Processor

from streams.settings import LogFormat, Settings

_SELDOM_SECONDS = 10.0


def configure_logs(settings: Settings) -> None:
    """Send our logs and those of libraries the same way; called once, by a command that goes on for long."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering = _rendering(settings.log_format)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter
    handler.setFormatter(formatter(foreign_pre_chain=shared, processors=[formatter.remove_processors_meta, *rendering]))
    handler.addFilter(_Seldom("aiokafka"))
    # It warns of every attempt; whoever made the request tells what came of it.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


class _Seldom(logging.Filter):
    """Lets each message of a library pass once in ten seconds, of whichever connection: while a broker is away they come by the hundred."""

    def __init__(self, library: str) -> None:
        super().__init__()
        self._library = library
        self._passed: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is told."""
        if not record.name.startswith(self._library):
            return True
        if record.created - self._passed.get(record.msg, 0.0) < _SELDOM_SECONDS:
            return False
        self._passed[record.msg] = record.created
        return True


def _are_colours_wanted() -> bool:
    """Where somebody looks and has not said otherwise (no-color.org: set to anything but nothing)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _rendering(log_format: LogFormat) -> list[Processor]:
    # Tracebacks are text without local variables, which may hold what a customer wrote.
    if log_format is LogFormat.JSON:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=_are_colours_wanted(), exception_formatter=structlog.dev.plain_traceback)]
