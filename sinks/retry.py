"""Trying again while a sink is away: exponential backoff with jitter, for ever by default, reported at each wait, ended by a shutdown."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import pyarrow as pa
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_any,
    stop_never,
    stop_when_event_set,
    wait_random_exponential,
)

from schemas.rows import Table
from sinks.base import Sink, SinkUnavailable


@dataclass(frozen=True, slots=True)
class Waiting:
    """The sink is away and will be tried again."""

    table: Table
    error: SinkUnavailable
    attempt: int
    """Attempts that have failed so far, from 1."""
    wait_seconds: float
    """How long is waited now."""
    waited_seconds: float
    """How long this insert has been held up so far."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits are random between 0 and a bound that doubles from ``first_seconds`` to ``longest_seconds``: many workers do not come back at once.

    A wait is never shorter than the sink asked for. ``attempts`` None goes on for ever.
    """

    first_seconds: float = 0.25
    longest_seconds: float = 10.0
    attempts: int | None = None


FOREVER = RetryPolicy()


def _ignore(_: Waiting) -> None:
    """Nobody wants to know."""


class RetryingSink:
    """A ``Sink`` whose inserts go on until they are acknowledged.

    ``on_wait`` is called in the inserting thread before each wait. Once ``stopping`` is set, waits end at once and
    the last ``SinkUnavailable`` is raised. ``SinkRefused`` is raised at once: it will not go away.
    """

    def __init__(
        self, sink: Sink, on_wait: Callable[[Waiting], None] = _ignore, stopping: Event | None = None, policy: RetryPolicy = FOREVER
    ) -> None:
        self._sink = sink
        self._on_wait = on_wait
        self._stopping = stopping or Event()
        self._policy = policy
        self._backoff = wait_random_exponential(multiplier=policy.first_seconds, max=policy.longest_seconds)

    def insert(self, table: Table, rows: pa.Table) -> None:
        """Store the rows, however long it takes; see ``Sink.insert``."""
        attempts = self._policy.attempts
        trying = Retrying(
            retry=retry_if_exception_type(SinkUnavailable),
            wait=self._wait_seconds,
            stop=stop_any(stop_when_event_set(self._stopping), stop_never if attempts is None else stop_after_attempt(attempts)),
            sleep=self._pause,
            before_sleep=self._report,
            reraise=True,
        )
        trying(self._sink.insert, table, rows)

    def close(self) -> None:
        """Close the sink; doing it twice is fine."""
        self._sink.close()

    def _wait_seconds(self, state: RetryCallState) -> float:
        return max(self._backoff(state), _error(state).retry_after_seconds)

    def _pause(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _report(self, state: RetryCallState) -> None:
        self._on_wait(Waiting(state.args[0], _error(state), state.attempt_number, state.upcoming_sleep, state.seconds_since_start or 0.0))


def _error(state: RetryCallState) -> SinkUnavailable:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, SinkUnavailable)
    return error
