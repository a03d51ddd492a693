"""Whether a process is alive and ready, as its event loop says and any thread may ask."""

import time
from collections.abc import Callable
from threading import Lock

STALE_SECONDS = 30.0
"""A loop that has not turned for so long is stuck. Opening a large state keeps the core's thread busy, and the loop only now and then."""


class Health:
    """``beat`` is called by the loop, the questions are asked by the threads that serve them."""

    def __init__(self, stale_seconds: float = STALE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._lock = Lock()
        self._beaten_at: float | None = None
        self._missing: tuple[str, ...] = ("start",)

    def beat(self, missing: tuple[str, ...] = ()) -> None:
        """The loop turns. ``missing`` names what keeps the process from working; none: it is ready."""
        with self._lock:
            self._beaten_at, self._missing = self._clock(), missing

    def live(self) -> tuple[bool, str]:
        """Whether the loop has turned lately, and in words; a process whose loop has not begun yet is alive."""
        with self._lock:
            beaten_at = self._beaten_at
        if beaten_at is None:
            return True, "starting"
        silent = self._clock() - beaten_at
        return silent < self._stale_seconds, f"the event loop turned {silent:.1f} seconds ago"

    def ready(self) -> tuple[bool, str]:
        """Whether it is alive and nothing is missing, and in words."""
        live, word = self.live()
        with self._lock:
            missing = self._missing
        if not live:
            return False, word
        return not missing, f"waiting for: {', '.join(missing)}" if missing else "ready"
