"""Waiting in the event loop."""

import asyncio
from contextlib import suppress


async def set_within(event: asyncio.Event, seconds: float | None) -> None:
    """Return once the event is set, or after so long."""
    # asyncio.wait_for of Python 3.11 loses a cancellation that comes together with the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
