"""Trying again while ClickHouse is away, and saying so."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from sinks.base import SinkUnavailable

_FIRST_WAIT_SECONDS = 0.25
_LONGEST_WAIT_SECONDS = 10
_log = structlog.get_logger(__name__)
_T = TypeVar("_T")


def patiently(work: Callable[[], _T]) -> _T:
    """What the work returns; tried again for ever while it raises ``SinkUnavailable``, with random waits of up to 10 seconds."""
    return Retrying(
        retry=retry_if_exception_type(SinkUnavailable),
        wait=wait_random_exponential(_FIRST_WAIT_SECONDS, max=_LONGEST_WAIT_SECONDS),
        before_sleep=_report,
    )(work)


def _report(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning("waiting_for_clickhouse", attempt=state.attempt_number, error=str(error))
