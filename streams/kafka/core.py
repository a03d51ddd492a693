"""The thread in which the stages of a worker run."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


class Core:
    """One thread for all stages: two that compute would only take the interpreter from each other, which costs a fifth more CPU."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "core")

    async def compute(self, function: Callable[..., _T], *arguments: object) -> _T:
        """Run a function of the core; one at a time, in the order of the calls."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
