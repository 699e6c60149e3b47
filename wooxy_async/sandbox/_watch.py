"""Waiting for something to have happened at the server."""

import asyncio
from collections.abc import Callable


class Watch:
    """Wakes those who wait whenever a count changes; they look for themselves whether it is what they wait for."""

    def __init__(self) -> None:
        self._pulse = asyncio.Event()

    def begin(self) -> None:
        """Belong to the running event loop from now on."""
        self._pulse = asyncio.Event()

    def changed(self) -> None:
        """Wake all who wait."""
        self._pulse.set()
        self._pulse.clear()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds."""
        while not condition():
            await self._pulse.wait()
