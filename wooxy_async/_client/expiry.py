"""When it is too late for a message: `ViberMessage.not_after` on the client's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from wooxy_async._ports import Clock
from wooxy_async._rules.outcomes import Cause, NotSent, Outcome

ROUNDING = 0.001  # seconds by which a timer of the event loop may end before the wall clock says so


class Expiry:
    """The moment past which no request of one message starts.

    The wall clock decides, also where it was set meanwhile; timers only end a wait that would be in vain.

    Args:
        not_after: the message's, checked; None for no such moment.
        clock: where time comes from.
    """

    __slots__ = ("_at", "_clock")

    def __init__(self, not_after: datetime | None, clock: Clock) -> None:
        self._at = None if not_after is None else not_after.timestamp()
        self._clock = clock

    @property
    def left(self) -> float | None:
        """Seconds until then, 0 where it is past; None for ever."""
        return None if self._at is None else max(0.0, self._at - self._clock.time())

    def is_past(self, wait: float = 0.0) -> bool:
        """Return whether a request that starts so many seconds from now would be too late."""
        return self._at is not None and self._clock.time() + wait > self._at

    def earlier(self, deadline: float | None) -> float | None:
        """Return the clock's `monotonic()` at which it is too late, or a deadline that comes before."""
        left = self.left
        if left is None:
            return deadline
        ends = self._clock.monotonic() + left
        return ends if deadline is None else min(ends, deadline)

    def permits(self, holds: Callable[[], bool]) -> Callable[[], bool]:
        """Return what says whether a request may start: as long as its slot is its own, and it is not too late."""
        return holds if self._at is None else lambda: holds() and not self.is_past()


def too_late(stage: str, last: Outcome | None) -> Cause:
    """Say that it is too late for a message.

    Args:
        stage: what it was doing.
        last: what its last attempt would be if it were the only one.
    """
    before = f" The attempt before: {last.cause.text}" if isinstance(last, NotSent) else ""
    return Cause(kind="expired", text=f"Past its not_after no request starts; it was {stage}.{before}")
