"""A clock that is moved on instead of waited for."""

from __future__ import annotations

import asyncio
import time


class SkippingClock:
    """A client's `clock` on which a pause takes no time: the clock is moved on by it, and the caller goes on.

    Pauses between the attempts of a message, and those that a 429 asks for, are passed over. What waits for something
    to happen, as for an answer, a slot, or the end of a time-out, takes the time that it takes.
    """

    def __init__(self) -> None:
        self.skipped: float = 0.0  # seconds of pauses so far

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic() + self.skipped

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return time.time() + self.skipped

    async def skip(self, seconds: float) -> None:
        """Move the clock on by so many seconds, and let others run.

        Args:
            seconds: 0 or more.
        """
        self.skipped += seconds
        await asyncio.sleep(0)
