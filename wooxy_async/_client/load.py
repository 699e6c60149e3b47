"""How many of a client's messages wait for their turn, and how long they are likely to."""

from __future__ import annotations

from typing import Final

from wooxy_async._ports import Clock, Priority
from wooxy_async._rules.outcomes import Cause

_WEIGHT: Final = 0.1  # of the latest request in the mean


class Load:
    """The messages of one client that wait for a slot, or for the end of a pause.

    Args:
        most: how many of one priority may wait; None for any number.
        slots: that the client may use at once.
        clock: where time comes from.
    """

    def __init__(self, most: int | None, slots: int, clock: Clock) -> None:
        self._most = most
        self._slots = slots
        self._clock = clock
        self._held = 1.0  # seconds that a request has its slot, on average
        self.start_anew()

    def start_anew(self) -> None:
        """Begin with nobody who waits; who has been counted before is left to the old count."""
        self.waiting: dict[Priority, int] = {"urgent": 0, "bulk": 0}

    def ended(self, began: float) -> None:
        """Note that a request which began then has given its slot back."""
        if self._most is not None:
            self._held += _WEIGHT * (self._clock.monotonic() - began - self._held)

    def refuses(self, priority: Priority, paused_for: float) -> tuple[Cause, float] | None:
        """Return why one more message of a priority may not wait, and in how many seconds it might; None if it may.

        Args:
            priority: of the message.
            paused_for: seconds for which the account pauses.
        """
        waiting = self.waiting[priority]
        if self._most is None or waiting < self._most:
            return None
        again = max(paused_for, waiting / self._slots * self._held)
        text = f"As many messages wait already as max_waiting allows, {self._most}; it may be better in {again:.2g} s."
        return Cause(kind="overloaded", text=text), again
