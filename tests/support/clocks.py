"""Time that tests advance: event loops whose clock jumps to the next timer, and the client's clock on such a loop."""

import asyncio
import selectors
from typing import Any

EPOCH = 1_800_000_000.0  # when the wall clock of a simulated loop begins, in seconds since 1970


class LoopClock:
    """The client's `Clock` on the time of an event loop.

    Args:
        loop: the loop; None for the one that runs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()

    def monotonic(self) -> float:
        """Return the loop's time."""
        return self._loop.time()

    def time(self) -> float:
        """Return the loop's time as seconds since the epoch."""
        return EPOCH + self._loop.time()


class _Jump(selectors.DefaultSelector):
    """Lets no time pass while it waits, and adds it to its own clock instead."""

    now = 0.0
    grace = 0.0  # seconds in which what the kernel still has under way may arrive before the clock jumps

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready; if nothing is, jump to the next timer."""
        ready = super().select(0)
        if not ready and self.grace and timeout != 0:
            ready = super().select(self.grace)
        if ready:
            return ready
        if timeout is None:
            assert self.grace, "nothing will ever happen"
            return super().select(None)
        self.now += timeout
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is simulated: nothing but its own timers moves it."""

    def __init__(self, grace: float = 0.0) -> None:
        self._jump = _Jump()
        self._jump.grace = grace
        super().__init__(self._jump)

    def time(self) -> float:
        """Return the simulated time."""
        return self._jump.now


class NetworkedJumpingLoop(JumpingLoop):
    """The same for programs that talk over loopback to themselves."""

    def __init__(self) -> None:
        super().__init__(grace=0.001)
